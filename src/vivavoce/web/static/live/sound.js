// @ts-check
/** @module Sound as numbers: PCM, WAV, base64. Mono throughout. */

export const RATE_HZ = 24000;
/** Below this peak nobody has said anything: microphones that are muted give zeros, or next to it. */
export const SILENCE_PEAK = 0.003;

/** @param {Uint8Array} bytes @returns {string} */
export function toBase64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}

/** @param {string} text @returns {Uint8Array<ArrayBuffer>} */
export function fromBase64(text) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let at = 0; at < letters.length; at += 1) bytes[at] = letters.charCodeAt(at);
  return bytes;
}

/** 16-bit little-endian samples. @param {Uint8Array} bytes @returns {Float32Array<ArrayBuffer>} */
export function samplesOf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const samples = new Float32Array(bytes.length >> 1);
  for (let at = 0; at < samples.length; at += 1) samples[at] = view.getInt16(at * 2, true) / 32768;
  return samples;
}

/**
 * @template {Float32Array | Uint8Array} T
 * @param {T[]} pieces
 * @param {new (length: number) => T} kind
 * @returns {T}
 */
export function joined(pieces, kind) {
  const whole = new kind(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** A WAV file of 16-bit samples. @param {Float32Array} samples @param {number} rateHz @returns {Uint8Array<ArrayBuffer>} */
export function wav(samples, rateHz) {
  const bytes = new Uint8Array(44 + samples.length * 2);
  const view = new DataView(bytes.buffer);
  /** @type {(at: number, text: string) => void} */
  const word = (at, text) => [...text].forEach((letter, index) => view.setUint8(at + index, letter.charCodeAt(0)));
  word(0, "RIFF");
  view.setUint32(4, 36 + samples.length * 2, true);
  word(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // mono
  view.setUint32(24, rateHz, true);
  view.setUint32(28, rateHz * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  word(36, "data");
  view.setUint32(40, samples.length * 2, true);
  samples.forEach((sample, at) => {
    const whole = Math.round(Math.max(-1, Math.min(1, sample)) * 32767);
    view.setInt16(44 + at * 2, whole, true);
  });
  return bytes;
}

/** @param {Float32Array} samples @returns {number} */
export function peak(samples) {
  let most = 0;
  for (const sample of samples) most = Math.max(most, Math.abs(sample));
  return most;
}

/** At another rate, by the browser's resampler. @param {Float32Array<ArrayBuffer>} samples @param {number} fromHz @param {number} toHz */
export async function resampled(samples, fromHz, toHz) {
  if (fromHz === toHz || samples.length === 0) return samples;
  const context = new OfflineAudioContext(1, Math.ceil((samples.length * toHz) / fromHz), toHz);
  const buffer = new AudioBuffer({ length: samples.length, sampleRate: fromHz });
  buffer.copyToChannel(samples, 0);
  const source = new AudioBufferSourceNode(context, { buffer });
  source.connect(context.destination);
  source.start();
  return (await context.startRendering()).getChannelData(0);
}

/**
 * What a file sounds like, mono at 24 kHz; null where this browser cannot decode it.
 * @param {ArrayBuffer} file
 * @returns {Promise<Float32Array<ArrayBuffer> | null>}
 */
export async function decoded(file) {
  try {
    const buffer = await new OfflineAudioContext(1, 1, RATE_HZ).decodeAudioData(file.slice(0));
    const mono = new Float32Array(buffer.length);
    for (let channel = 0; channel < buffer.numberOfChannels; channel += 1) {
      buffer.getChannelData(channel).forEach((sample, at) => (mono[at] = (mono[at] ?? 0) + sample / buffer.numberOfChannels));
    }
    return mono;
  } catch {
    return null;
  }
}
