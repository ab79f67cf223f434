// @ts-check
/** @module The microphone: from the first word to the last, as samples. */

import { RATE_HZ, joined, peak, resampled } from "./sound.js";

/** Why there is no recording, in words that say what to do. */
export class NoMicrophone extends Error {}

/** Longest recording, in seconds: nobody means to ask for longer. */
export const LONGEST_S = 300;

const REASONS = new Map([
  ["NotAllowedError", "The microphone is not allowed here. Allow it for this page (the icon beside the address), or choose a file or one of the questions below."],
  ["NotFoundError", "No microphone was found. Plug one in, or choose a file or one of the questions below."],
  ["NotReadableError", "The microphone is there but gives nothing: another program may hold it. Close that program and try again."],
]);

/** Whether this page may ask for one at all. @returns {string} why not; "" if it may */
export function forbidden() {
  if (navigator.mediaDevices) return "";
  return isSecureContext
    ? "This browser offers pages no microphone. Choose a file or one of the questions below."
    : "Browsers give the microphone only to pages from https or from this machine. Open this page at http://localhost or by https, or choose a file or one of the questions below.";
}

/** One recording under way. */
export class Recording {
  /** @type {Float32Array<ArrayBuffer>[]} */ #pieces = [];
  /** @type {(level: number, seconds: number) => void} */ onlevel = () => {};
  #samples = 0;

  /** @param {AudioContext} context @param {MediaStream} stream @param {AudioWorkletNode} node */
  constructor(context, stream, node) {
    this.context = context;
    this.stream = stream;
    node.port.onmessage = ({ data }) => {
      this.#pieces.push(data);
      this.#samples += data.length;
      this.onlevel(peak(data), this.#samples / context.sampleRate);
    };
  }

  /** Starts at once. Throws `NoMicrophone`. @returns {Promise<Recording>} */
  static async start() {
    const reason = forbidden();
    if (reason) throw new NoMicrophone(reason);
    /** @type {MediaStream} */ let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
    } catch (error) {
      const name = error instanceof DOMException ? error.name : "";
      throw new NoMicrophone(REASONS.get(name) ?? `The microphone could not be opened (${name || String(error)}).`);
    }
    const context = new AudioContext();
    await context.audioWorklet.addModule(new URL("./capture.js", import.meta.url));
    const node = new AudioWorkletNode(context, "capture", { numberOfOutputs: 0 });
    const recording = new Recording(context, stream, node);
    new MediaStreamAudioSourceNode(context, { mediaStream: stream }).connect(node);
    return recording;
  }

  /** Ends it, lets go of the microphone. @returns {Promise<Float32Array<ArrayBuffer>>} mono at 24 kHz */
  async stop() {
    const rate = this.context.sampleRate;
    for (const track of this.stream.getTracks()) track.stop();
    await this.context.close();
    return resampled(joined(this.#pieces, Float32Array), rate, RATE_HZ);
  }
}
