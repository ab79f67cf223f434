// @ts-check
/** @module What went wrong, and what to do about it, in plain words. */

import { ApiProblem } from "./endpoint.js";

/**
 * @typedef {{ title: string, advice: string, detail: string, retryAfterS: number | null, about: "key" | "endpoint" | "model" | "voice" | null }} Explained
 */

/** @type {Record<string, [string, string, Explained["about"]?]>} */
const BY_CODE = {
  unreachable: ["The endpoint cannot be reached", "Is it running, and is its address right? It also has to let pages of this address call it: a Viva Voce elsewhere needs VIVA_CORS_ORIGINS to name it.", "endpoint"],
  invalid_api_key: ["The key is not known here", "Look whether it was copied whole, and belongs to this endpoint. It may have been revoked.", "key"],
  insufficient_quota: ["The month is used up", "This key has spent its budget. Its owner can raise it; otherwise it starts anew with the month.", null],
  audio_too_long: ["The recording is too long", "Make a shorter one, or cut the file.", null],
  payload_too_large: ["The recording is too large", "Send a shorter one, or a compressed file such as mp3: one megabyte of it is about a minute.", null],
  unsupported_format: ["This is no sound that can be read", "Choose a wav, mp3, flac, ogg, m4a, aac or webm file.", null],
  model_not_found: ["This model is not served here", "Choose one from the list; it is what the endpoint offers.", "model"],
  context_length_exceeded: ["The conversation has become too long", "Begin a new one.", null],
  audio_not_found: ["The endpoint no longer knows an earlier answer", "Answers are kept for a day. Begin a new conversation.", null],
  engine_lost: ["The engines are being started again", "Try once more in a few seconds.", null],
  model_not_installed: ["The server has no weights for this", "Whoever runs it: `viva models pull`, then try again.", null],
  upstream_failed: ["The model behind this server failed", "Try again; if it goes on, whoever runs the server finds more in its log.", null],
  engine_timeout: ["The model stood still for too long", "Try again, or ask for less.", null],
};

/** @type {Record<number, [string, string, Explained["about"]?]>} */
const BY_STATUS = {
  401: ["This endpoint asks for a key", "Type it under “Endpoint and key”. It stays in this tab and is sent to this endpoint alone.", "key"],
  403: ["This key may not do that", "Ask whoever gave it to you.", "key"],
  404: ["There is nothing at this address", "A base URL ends in /v1 for most endpoints.", "endpoint"],
  413: ["The recording is too large", "Send a shorter one, or a compressed file such as mp3.", null],
  429: ["The server has its hands full", "Nothing is wrong with the question.", null],
  502: ["The model behind this server failed", "Try again in a moment.", null],
  503: ["The server is not ready yet", "It may be loading its models. Try again in a few seconds.", null],
};

/** @param {unknown} error @returns {Explained} */
export function explained(error) {
  if (!(error instanceof ApiProblem)) {
    return { title: "The page stumbled", advice: "Load it again; if that does not help, this is a fault of ours.", detail: String(error), retryAfterS: null, about: null };
  }
  const isVoice = error.param?.includes("voice");
  /** @type {[string, string, Explained["about"]?]} */
  const fallback =
    error.status >= 500
      ? ["The server had an error", "Try again; whoever runs it finds the reason in its log.", null]
      : ["The endpoint refused the request", "It says why below.", null];
  /** @type {[string, string, Explained["about"]?]} */
  const voice = ["This voice is not offered here", "Choose another from the list.", "voice"];
  const [title, advice, about] = isVoice
    ? voice
    : (BY_CODE[error.code ?? ""] ?? BY_STATUS[error.status] ?? fallback);
  const id = error.requestId ? ` (request ${error.requestId})` : "";
  return { title, advice, detail: error.message + id, retryAfterS: error.retryAfterS, about: about ?? null };
}
