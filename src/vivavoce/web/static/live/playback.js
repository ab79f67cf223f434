// @ts-check
/**
 * @module The audio thread's side of the loudspeaker: plays the pieces of one answer one after another without a gap,
 * whenever they come.
 *
 * Takes Float32Array (a piece), "end" (no more will come), "clear" (forget the rest). Tells when the first sample is
 * played, and at the end how many were, how loud the loudest was, and how often it had to wait for more in between.
 */

class Playback extends AudioWorkletProcessor {
  /** @type {Float32Array[]} */ #pieces = [];
  #at = 0;
  #ended = false;
  #waiting = false;
  #report = { samples: 0, peak: 0, gaps: 0 };

  constructor() {
    super();
    this.port.onmessage = ({ data }) => {
      if (data instanceof Float32Array) this.#take(data);
      else if (data === "end") this.#ended = true;
      else this.#clear();
    };
  }

  /** @param {Float32Array} piece */
  #take(piece) {
    if (this.#waiting) this.#report.gaps += 1;
    this.#waiting = false;
    this.#pieces.push(piece);
  }

  #clear() {
    this.#pieces = [];
    this.#at = 0;
    this.#ended = true;
  }

  /** @param {Float32Array[][]} _ @param {Float32Array[][]} outputs @returns {boolean} whether it goes on */
  process(_, outputs) {
    const out = outputs[0]?.[0];
    if (!out) return true;
    let filled = 0;
    while (filled < out.length && this.#pieces[0]) {
      const piece = this.#pieces[0].subarray(this.#at, this.#at + out.length - filled);
      if (this.#report.samples === 0 && piece.length > 0) this.port.postMessage({ kind: "started" });
      out.set(piece, filled);
      for (const sample of piece) this.#report.peak = Math.max(this.#report.peak, Math.abs(sample));
      this.#report.samples += piece.length;
      filled += piece.length;
      this.#at += piece.length;
      if (this.#at >= this.#pieces[0].length) {
        this.#pieces.shift();
        this.#at = 0;
      }
    }
    if (!this.#pieces.length) {
      if (this.#ended) {
        this.port.postMessage({ kind: "done", ...this.#report });
        return false;
      }
      this.#waiting = this.#report.samples > 0;
    }
    return true;
  }
}

registerProcessor("playback", Playback);
