// @ts-check
/** @module The audio thread's side of the microphone: hands on what comes in, mono, some 20 ms at a time. */

const BLOCK = 1024;

class Capture extends AudioWorkletProcessor {
  #block = new Float32Array(BLOCK);
  #at = 0;

  /** @param {Float32Array[][]} inputs */
  process(inputs) {
    const channels = inputs[0] ?? [];
    const length = channels[0]?.length ?? 0; // of which a block is a multiple
    for (const channel of channels) {
      channel.forEach((sample, at) => (this.#block[this.#at + at] = (this.#block[this.#at + at] ?? 0) + sample / channels.length));
    }
    this.#at += length;
    if (this.#at >= BLOCK) {
      this.port.postMessage(this.#block, [this.#block.buffer]);
      this.#block = new Float32Array(BLOCK);
      this.#at = 0;
    }
    return true;
  }
}

registerProcessor("capture", Capture);
