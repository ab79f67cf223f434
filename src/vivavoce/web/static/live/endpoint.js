// @ts-check
/**
 * @module The endpoint that is spoken to: its address, its key, what it offers. Nothing here knows the page.
 *
 * @typedef {{ id: string, engines?: Record<string, string> }} Model
 * @typedef {{ requests: number, machine_s: number, price_usd: string | null, cost_usd: string | null, uncosted_requests: number }} Sums
 */

/** An error of the API, or on the way to it, as it came. */
export class ApiProblem extends Error {
  /**
   * @param {string} message
   * @param {{ status?: number, code?: string | null, param?: string | null, retryAfterS?: number | null, requestId?: string | null }} [told]
   */
  constructor(message, { status = 0, code = null, param = null, retryAfterS = null, requestId = null } = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.param = param;
    this.retryAfterS = retryAfterS;
    this.requestId = requestId;
  }

  /** @param {Response} answer @returns {Promise<ApiProblem>} */
  static async of(answer) {
    const told = await answer.json().catch(() => null);
    const error = told?.error ?? told ?? {};
    const after = Number.parseFloat(answer.headers.get("retry-after") ?? "");
    return new ApiProblem(String(error.message ?? error.detail ?? answer.statusText ?? "no reason was given"), {
      status: answer.status,
      code: error.code ?? null,
      param: error.param ?? null,
      retryAfterS: Number.isFinite(after) ? after : null,
      requestId: answer.headers.get("x-request-id"),
    });
  }
}

export class Endpoint {
  #key = "";

  /** @param {string} baseUrl as clients take it, ending in /v1 or the like */
  constructor(baseUrl) {
    this.baseUrl = baseUrl.replace(/\/+$/, "");
    this.isHere = new URL(this.baseUrl).origin === location.origin;
    try {
      this.#key = sessionStorage.getItem(this.#place()) ?? "";
    } catch {
      // storage is forbidden here: the key lasts as long as the page
    }
  }

  #place() {
    return `key for ${this.baseUrl}`;
  }

  get key() {
    return this.#key;
  }

  /** Kept until the tab is closed, under this endpoint alone. @param {string} key */
  set key(key) {
    this.#key = key.trim();
    try {
      if (this.#key) sessionStorage.setItem(this.#place(), this.#key);
      else sessionStorage.removeItem(this.#place());
    } catch {
      // not kept; see above
    }
  }

  /**
   * @param {string} path below the base URL
   * @param {RequestInit} [options]
   * @returns {Promise<Response>} an answer that is well
   */
  async fetch(path, options = {}) {
    const headers = new Headers(options.headers);
    if (this.#key) headers.set("authorization", `Bearer ${this.#key}`);
    /** @type {Response} */ let answer;
    try {
      answer = await fetch(this.baseUrl + path, { ...options, headers, credentials: "omit", cache: "no-store" });
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") throw error;
      throw new ApiProblem(String(error), { code: "unreachable" });
    }
    if (!answer.ok) throw await ApiProblem.of(answer);
    return answer;
  }

  /** @param {string} path @param {object} body @param {AbortSignal} [signal] */
  post(path, body, signal) {
    return this.fetch(path, {
      method: "POST",
      body: JSON.stringify(body),
      headers: { "content-type": "application/json" },
      ...(signal && { signal }),
    });
  }

  /** Models that answer in chat, where the endpoint tells which; of others, those named after audio first. @returns {Promise<string[]>} */
  async models() {
    const { data } = await (await this.fetch("/models")).json();
    /** @type {Model[]} */ const rows = data;
    const told = rows.some(({ engines }) => engines && Object.keys(engines).length);
    if (told) return rows.filter(({ engines }) => engines && "think" in engines).map(({ id }) => id);
    const names = rows.map(({ id }) => id);
    return [...names.filter((name) => name.includes("audio")), ...names.filter((name) => !name.includes("audio"))];
  }

  /** Its voices where it lists them: other names for one first, then each by its language. @returns {Promise<import("./choice.js").Option[]>} */
  async voices() {
    const { data } = await (await this.fetch("/audio/voices")).json();
    const languages = new Intl.DisplayNames(["en"], { type: "language", fallback: "code" });
    /** @type {{ id: string, voice?: string, language?: string, gender?: string }[]} */ const rows = data;
    return rows.map(({ id, voice = id, language, gender }) => {
      if (voice !== id || !language) return { value: id };
      return { value: id, label: gender ? `${id} (${gender})` : id, group: languages.of(language) ?? language };
    });
  }

  /** A text spoken, as 16-bit samples. @param {string} input @param {string} voice @returns {Promise<Uint8Array>} */
  async speech(input, voice) {
    const answer = await this.post("/audio/speech", { model: "tts-1", input, voice, response_format: "pcm" });
    return new Uint8Array(await answer.arrayBuffer());
  }

  /** What it noted down for a model since a day; null where it notes nothing. @param {string} model @param {string} day @returns {Promise<Sums | null>} */
  async used(model, day) {
    try {
      const { data } = await (await this.fetch(`/usage?by=model&since=${day}`)).json();
      const none = { requests: 0, machine_s: 0, price_usd: null, cost_usd: null, uncosted_requests: 0 };
      return data.find((/** @type {{ model: string }} */ row) => row.model === model) ?? none;
    } catch {
      return null;
    }
  }
}
