// @ts-check
/** @module The audio thread's side of the microphone: hands on what comes in, mono. */

class Capture extends AudioWorkletProcessor {
  /** @param {Float32Array[][]} inputs */
  process(inputs) {
    const channels = inputs[0] ?? [];
    const first = channels[0];
    if (first) {
      const mono = new Float32Array(first.length);
      for (const channel of channels) channel.forEach((sample, at) => (mono[at] = (mono[at] ?? 0) + sample / channels.length));
      this.port.postMessage(mono, [mono.buffer]);
    }
    return true;
  }
}

registerProcessor("capture", Capture);
