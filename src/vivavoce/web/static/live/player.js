// @ts-check
/**
 * @module Plays answers while they come, one at a time: of two that come together the second waits for the first.
 *
 * @typedef {{ samples: number, peak: number, gaps: number }} Played
 */

import { RATE_HZ } from "./sound.js";

/** One answer's sound on its way to the ear. */
export class Voice {
  /** @type {Float32Array<ArrayBuffer>[]} */ #held = [];
  #ended = false;
  /** @type {MessagePort | null} */ #port = null;
  /** Whether it has had to wait for another to end. */
  waited = false;
  /** @type {(at: number) => void} */ onstart = () => {};
  /** @type {(played: Played) => void} */ ondone = () => {};

  /** @param {Float32Array<ArrayBuffer>} samples */
  add(samples) {
    if (this.#port) this.#port.postMessage(samples, [samples.buffer]);
    else this.#held.push(samples);
  }

  /** No more will come. */
  end() {
    this.#ended = true;
    this.#port?.postMessage("end");
  }

  /** Be silent at once. */
  stop() {
    this.#held = [];
    this.#ended = true;
    this.#port?.postMessage("clear");
  }

  /** Its turn has come. @param {MessagePort} port @param {() => void} done */
  play(port, done) {
    this.#port = port;
    port.onmessage = ({ data }) => {
      if (data.kind === "started") this.onstart(performance.now());
      if (data.kind === "done") {
        this.ondone(data);
        done();
      }
    };
    for (const samples of this.#held.splice(0)) this.add(samples);
    if (this.#ended) port.postMessage("end");
  }
}

/** The loudspeaker. */
export class Player {
  /** @type {Promise<AudioContext> | null} */ #opened = null;
  /** @type {Promise<void>} */ #free = Promise.resolve();
  /** @type {Set<Voice>} */ #voices = new Set();

  /** To be called while a click is handled: browsers let no page sound before one. */
  open() {
    this.#opened ??= Player.#open();
    void this.#opened.then((context) => context.resume());
    return this.#opened;
  }

  static async #open() {
    const context = new AudioContext({ sampleRate: RATE_HZ, latencyHint: "interactive" });
    await context.audioWorklet.addModule(new URL("./playback.js", import.meta.url));
    return context;
  }

  /** A voice that plays as soon as those before it are done. */
  voice() {
    const voice = new Voice();
    voice.waited = this.#voices.size > 0;
    this.#voices.add(voice);
    this.#free = this.#free.then(async () => {
      const context = await this.open();
      const node = new AudioWorkletNode(context, "playback", { numberOfInputs: 0, outputChannelCount: [1] });
      node.connect(context.destination);
      await new Promise((/** @type {(_: void) => void} */ done) => voice.play(node.port, done));
      node.disconnect();
      this.#voices.delete(voice);
    });
    return voice;
  }

  /** Silence everything. */
  stop() {
    for (const voice of this.#voices) voice.stop();
  }
}
