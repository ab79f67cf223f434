// @ts-check
/**
 * @module One question and its streamed answer. Knows the wire, not the page.
 *
 * @typedef {{ word: string, start: number, end: number, probability: number }} Word
 * @typedef {{ emotion: string, emotions: Record<string, number>, urgency: number, prosody: { pitch_hz: number | null, loudness_dbfs: number, pace_syllables_per_s: number } }} Tone
 * @typedef {{ message_index: number, transcript: string, language: string | null, language_probability: number, languages: { language: string, start: number, end: number, text: string }[],
 *   duration: number, words: Word[], unclear: string[], note: string | null, tone: Tone | null, speakers: { speaker: string, start: number, end: number }[] }} Heard
 * @typedef {{ prompt_tokens: number, completion_tokens: number, prompt_tokens_details?: { audio_tokens?: number, cached_tokens?: number }, completion_tokens_details?: { audio_tokens?: number } }} Usage
 * @typedef {{ model: string, modalities: string[], audio?: { voice: string, format: string }, messages: object[], stream: true, stream_options: { include_usage: true } }} Body
 *
 * Milliseconds since the request was sent, by the browser's clock; undefined: it did not happen.
 * @typedef {{ uploaded?: number, heard?: number, text?: number, sound?: number, end?: number }} Marks
 *
 * @typedef {object} Listener
 * @property {(heard: Heard) => void} heard
 * @property {(text: string) => void} words
 * @property {(pcm: Uint8Array) => void} sound whole samples
 *
 * @typedef {{ marks: Marks, usage: Usage | null, audioId: string | null, text: string, finishReason: string | null, requestId: string | null }} Answer
 */

import { ApiProblem } from "./endpoint.js";
import { fromBase64, joined } from "./sound.js";

/**
 * @param {string} model
 * @param {string} voice
 * @param {object[]} messages
 * @returns {Body}
 */
export function bodyOf(model, voice, messages) {
  return {
    model,
    modalities: ["text", "audio"],
    audio: { voice, format: "pcm16" },
    messages,
    stream: true,
    stream_options: { include_usage: true },
  };
}

/**
 * Ask, and tell of everything as it comes. Throws `ApiProblem`, and `AbortError` where `signal` says so.
 * @param {import("./endpoint.js").Endpoint} endpoint
 * @param {Body} body
 * @param {Listener} listener
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}
 */
export async function ask(endpoint, body, listener, signal) {
  const sent = performance.now();
  const since = () => performance.now() - sent;
  const answer = await endpoint.post("/chat/completions", body, signal);
  /** @type {Answer} */
  const told = {
    marks: uploaded(answer, since()),
    usage: null,
    audioId: null,
    text: "",
    finishReason: null,
    requestId: answer.headers.get("x-request-id"),
  };
  const { marks } = told;
  const pcm = new WholeSamples(listener.sound);
  for await (const event of events(answer)) {
    if (event.error) throw new ApiProblem(event.error.message, { status: answer.status, code: event.error.code, param: event.error.param });
    if (event.usage) told.usage = event.usage;
    const choice = event.choices?.[0];
    if (!choice) continue;
    told.finishReason = choice.finish_reason ?? told.finishReason;
    const { content, audio, heard } = choice.delta ?? {};
    for (const each of heard ?? []) {
      marks.heard = since();
      listener.heard(each);
    }
    told.audioId = audio?.id ?? told.audioId;
    const words = audio?.transcript || content;
    if (words) {
      marks.text ??= since();
      told.text += words;
      listener.words(words);
    }
    if (audio?.data) {
      marks.sound ??= since();
      pcm.take(fromBase64(audio.data));
    }
  }
  marks.end = since();
  return told;
}

/** Where the server says how long it took to read the request, and to answer: the rest was the way. @param {Response} answer @param {number} at @returns {Marks} */
function uploaded(answer, at) {
  const body = /(?:^|,)\s*body;dur=([\d.]+)/.exec(answer.headers.get("server-timing") ?? "")?.[1];
  const whole = answer.headers.get("openai-processing-ms");
  if (!body || !whole) return {};
  return { uploaded: Math.max(0, at - (Number(whole) - Number(body))) };
}

/** Pieces are of any length; samples have two bytes. */
class WholeSamples {
  #rest = new Uint8Array(0);

  /** @param {(pcm: Uint8Array) => void} give */
  constructor(give) {
    this.give = give;
  }

  /** @param {Uint8Array} bytes */
  take(bytes) {
    const all = this.#rest.length ? joined([this.#rest, bytes], Uint8Array) : bytes;
    this.#rest = all.slice(all.length & ~1);
    this.give(all.subarray(0, all.length & ~1));
  }
}

/**
 * The events of a stream, parsed; ends at `[DONE]`.
 * @param {Response} answer
 * @returns {AsyncGenerator<any>}
 */
async function* events(answer) {
  if (!answer.body) return;
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (held + value).split(/\r?\n/);
      held = lines.pop() ?? "";
      for (const line of lines) {
        if (!line.startsWith("data:")) continue;
        const data = line.slice(5).trim();
        if (data === "[DONE]") return;
        yield JSON.parse(data);
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
