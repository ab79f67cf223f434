// @ts-check
/**
 * @module Plays answers while they come, one at a time: of two that come together the second waits for the first.
 *
 * @typedef {{ samples: number, peak: number, gaps: number }} Played
 *
 * Takes what `playback.js` takes, and tells what it tells.
 * @typedef {{ postMessage: (message: any, transfer: Transferable[]) => void, onmessage: ((event: MessageEvent) => void) | null }} Outlet
 */

import { RATE_HZ, peak } from "./sound.js";

/** One answer's sound on its way to the ear. */
export class Voice {
  /** @type {Float32Array<ArrayBuffer>[]} */ #held = [];
  #ended = false;
  /** @type {Outlet | null} */ #port = null;
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
    this.#port?.postMessage("end", []);
  }

  /** Be silent at once. */
  stop() {
    this.#held = [];
    this.#ended = true;
    this.#port?.postMessage("clear", []);
  }

  /** Its turn has come. @param {Outlet} port @param {() => void} done */
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
    if (this.#ended) port.postMessage("end", []);
  }
}

/**
 * The same as `playback.js` for pages that have no audio worklet, being from neither https nor this machine: pieces are
 * put one behind another on the context's clock.
 */
class Schedule {
  /** @type {Outlet["onmessage"]} */ onmessage = null;
  #until = 0;
  #done = false;
  /** @type {Set<AudioBufferSourceNode>} */ #sources = new Set();
  #report = { samples: 0, peak: 0, gaps: 0 };

  /** @param {AudioContext} context */
  constructor(context) {
    this.context = context;
  }

  /** @type {Outlet["postMessage"]} */
  postMessage(message) {
    if (message instanceof Float32Array) {
      if (message.length) this.#take(Float32Array.from(message));
      return;
    }
    this.#done = true;
    if (message === "clear") for (const source of this.#sources) source.stop();
    this.#finish();
  }

  /** @param {Float32Array<ArrayBuffer>} samples */
  #take(samples) {
    const buffer = new AudioBuffer({ length: samples.length, sampleRate: RATE_HZ });
    buffer.copyToChannel(samples, 0);
    const source = new AudioBufferSourceNode(this.context, { buffer });
    source.connect(this.context.destination);
    const now = this.context.currentTime;
    const first = this.#report.samples === 0;
    if (this.#until < now) {
      if (!first) this.#report.gaps += 1;
      this.#until = now + 0.03;
    }
    if (first) setTimeout(() => this.#tell({ kind: "started" }), (this.#until - now) * 1000);
    source.start(this.#until);
    this.#until += buffer.duration;
    this.#report.samples += samples.length;
    this.#report.peak = Math.max(this.#report.peak, peak(samples));
    this.#sources.add(source);
    source.onended = () => {
      this.#sources.delete(source);
      this.#finish();
    };
  }

  #finish() {
    if (this.#done && !this.#sources.size) this.#tell({ kind: "done", ...this.#report });
  }

  /** @param {object} data */
  #tell(data) {
    this.onmessage?.(new MessageEvent("message", { data }));
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
    this.#opened.then((context) => context.resume()).catch(() => (this.#opened = null));
    return this.#opened;
  }

  static async #open() {
    const context = new AudioContext({ sampleRate: RATE_HZ, latencyHint: "interactive" });
    if (isSecureContext) await context.audioWorklet.addModule(new URL("./playback.js", import.meta.url));
    return context;
  }

  /** A voice that plays as soon as those before it are done. */
  voice() {
    const voice = new Voice();
    voice.waited = this.#voices.size > 0;
    this.#voices.add(voice);
    this.#free = this.#free
      .then(() => this.#play(voice))
      .catch(() => voice.ondone({ samples: 0, peak: 0, gaps: 0 })) // no loudspeaker: the sound is there to be kept
      .then(() => void this.#voices.delete(voice));
    return voice;
  }

  /** @param {Voice} voice */
  async #play(voice) {
    const context = await this.open();
    if (!isSecureContext) {
      await Player.#played(voice, new Schedule(context));
      return;
    }
    const node = new AudioWorkletNode(context, "playback", { numberOfInputs: 0, outputChannelCount: [1] });
    node.connect(context.destination);
    await Player.#played(voice, node.port);
    node.disconnect();
  }

  /** @param {Voice} voice @param {Outlet} outlet @returns {Promise<void>} */
  static #played(voice, outlet) {
    return new Promise((done) => voice.play(outlet, done));
  }

  /** Silence everything. */
  stop() {
    for (const voice of this.#voices) voice.stop();
  }
}
