// @ts-check
/**
 * @module One question and its answers, as the page shows them.
 *
 * @typedef {{ content: string | object[], samples: Float32Array<ArrayBuffer> | null, file: Blob | null, name: string, text: string }} Question
 */

import { ask, bodyOf } from "./chat.js";
import { announce, copy, make, within } from "./dom.js";
import { counted, difference, money, priced, seconds, waterfall } from "./figures.js";
import { showHeard } from "./heard.js";
import { explained } from "./problems.js";
import { curl, python } from "./snippets.js";
import { RATE_HZ, joined, samplesOf, wav } from "./sound.js";

/** @param {HTMLElement} shown @param {Blob} sound @param {string} name of the file */
function offerSound(shown, sound, name) {
  const url = URL.createObjectURL(sound);
  const audio = within(shown, "audio", HTMLAudioElement);
  audio.src = url;
  audio.setAttribute("aria-label", name.replace(/\.\w+$/, "").replaceAll("-", " "));
  const link = within(shown, "a[download]", HTMLAnchorElement);
  link.href = url;
  link.download = name;
  within(shown, ".sound", HTMLElement).hidden = false;
}

/** @param {Question} question @param {number} number @returns {HTMLElement} */
export function showQuestion(question, number) {
  const shown = copy("turn-template");
  within(shown, "h2", HTMLHeadingElement).textContent = `Question ${number}`;
  const asked = within(shown, ".asked", HTMLElement);
  asked.textContent = question.text || question.name;
  if (!question.text) asked.dataset["untold"] = "true"; // what was asked is known once it is heard
  if (question.file) offerSound(within(shown, ".question", HTMLElement), question.file, `question-${number}.${/\.(\w{2,5})$/.exec(question.name)?.[1] ?? "wav"}`);
  return shown;
}

/** One model's answer to one question: asked, followed, shown. */
export class AnswerCard {
  #stop = new AbortController();
  /** @type {Float32Array<ArrayBuffer>[]} */ #sound = [];
  /** @type {import("./player.js").Voice | null} */ #voice = null;
  /** @type {import("./chat.js").Marks & { played?: number }} */ #marks = {};
  #text = "";

  /**
   * @param {import("./endpoint.js").Endpoint} endpoint
   * @param {{ model: string, voice: string, messages: object[], number: number }} asked
   * @param {{ prices: Record<string, import("./figures.js").Rates>, original: string }} book
   */
  constructor(endpoint, asked, book) {
    this.endpoint = endpoint;
    this.asked = asked;
    this.book = book;
    this.body = bodyOf(asked.model, asked.voice, asked.messages);
    this.shown = copy("answer-template");
    this.part("h3").textContent = asked.model;
    this.#wire();
  }

  /** @param {string} selector */
  part(selector) {
    return within(this.shown, selector, HTMLElement);
  }

  #wire() {
    this.part(".stop").addEventListener("click", () => this.stop());
    /** @type {[string, (url: string, body: object) => string, string][]} */
    const snippets = [
      [".copy-curl", curl, "curl command"],
      [".copy-python", python, "Python program"],
    ];
    for (const [selector, written, what] of snippets) {
      this.part(selector).addEventListener("click", async () => {
        const text = written(this.endpoint.baseUrl, this.body);
        try {
          await navigator.clipboard.writeText(text);
          announce(`The ${what} is copied. It reads the key from OPENAI_API_KEY.`);
          this.part(".copied").textContent = `Copied: the ${what}. It reads the key from OPENAI_API_KEY.`;
        } catch {
          const area = make("textarea", { readonly: "", rows: "6", "aria-label": `The ${what}` });
          area.value = text; // pages from neither https nor this machine may not write to the clipboard
          this.part(".copied").replaceChildren("This browser lets the page copy nothing; here it is.", area);
          area.select();
        }
      });
    }
  }

  /** Ends it: no more is asked for, no more is played. */
  stop() {
    this.#stop.abort();
    this.#voice?.stop();
  }

  /**
   * Ask, and show everything as it comes. Never throws.
   * @param {import("./player.js").Player} player
   * @returns {Promise<object | null>} the message that goes into the history; null: there was no answer
   */
  async run(player) {
    const sent = performance.now();
    const day = new Date().toISOString().slice(0, 10);
    const before = this.endpoint.used(this.asked.model, day);
    const voice = player.voice();
    this.#voice = voice;
    voice.onstart = (at) => this.#mark(voice.waited ? {} : { played: at - sent });
    if (voice.waited) this.part(".first-sound-note").textContent = "made; played after the other";
    voice.ondone = (played) => {
      Object.assign(this.shown.dataset, { playedSamples: String(played.samples), playedPeak: played.peak.toFixed(4), gaps: String(played.gaps) });
      this.part(".stop").hidden = true;
    };
    this.shown.dataset["state"] = "asking";
    this.#state("Asking …");
    try {
      const answer = await ask(this.endpoint, this.body, this.#listener(voice), this.#stop.signal);
      voice.end();
      this.#mark(answer.marks);
      this.#finish(answer);
      void this.#cost(answer, before, day);
      return answer.audioId ? { role: "assistant", audio: { id: answer.audioId } } : { role: "assistant", content: answer.text };
    } catch (error) {
      return this.#fail(error, voice);
    }
  }

  /** @param {import("./player.js").Voice} voice @returns {import("./chat.js").Listener} */
  #listener(voice) {
    const last = this.asked.messages.length - 1;
    return {
      heard: (heard) => {
        if (heard.message_index !== last) return; // of an earlier question
        this.part(".heard").hidden = false;
        this.part(".heard-body").replaceChildren(showHeard(heard));
        this.#tell(heard.transcript.trim());
        this.#state("Thinking …");
        announce(heard.transcript ? `Heard: ${heard.transcript}` : "Nothing was heard.");
      },
      words: (text) => {
        this.#text += text;
        this.part(".words").textContent = this.#text;
        this.#state("Answering …");
      },
      sound: (pcm) => {
        const samples = samplesOf(pcm);
        this.#sound.push(samples);
        voice.add(samples.slice());
      },
    };
  }

  /** The question's heading, by what was heard first. @param {string} transcript */
  #tell(transcript) {
    const asked = this.shown.closest(".turn")?.querySelector(".asked[data-untold]");
    if (!(asked instanceof HTMLElement) || !transcript) return;
    delete asked.dataset["untold"];
    asked.textContent = `“${transcript}”`;
  }

  /** @param {string} text */
  #state(text) {
    this.part(".state").textContent = text;
  }

  /** @param {import("./chat.js").Marks & { played?: number }} marks */
  #mark(marks) {
    Object.assign(this.#marks, marks);
    const first = this.#marks.played ?? this.#marks.sound;
    if (first !== undefined) this.part(".first-sound").textContent = seconds(first);
    if (this.#marks.end !== undefined) this.part(".delay").replaceChildren(waterfall(this.#marks));
  }

  /** @param {import("./chat.js").Answer} answer */
  #finish(answer) {
    this.shown.dataset["state"] = "done";
    this.#state(answer.finishReason === "length" ? "Cut at its longest" : "");
    if (!this.#sound.length) this.part(".stop").hidden = true;
    this.#keepSound();
    announce(`${this.asked.model} has answered.`);
    if (!answer.usage) return;
    const counts = counted(answer.usage);
    this.part(".tokens").textContent = `${answer.usage.prompt_tokens} → ${answer.usage.completion_tokens}`;
    this.part(".tokens-note").textContent = `in: ${counts.input_audio_tokens} audio, ${counts.input_text_tokens} text; out: ${counts.output_audio_tokens} audio, ${counts.output_text_tokens} text`;
    this.#price(counts);
    this.part(".figures").hidden = false;
  }

  #keepSound() {
    if (!this.#sound.length) return;
    const samples = joined(this.#sound, Float32Array);
    this.shown.dataset["receivedSamples"] = String(samples.length);
    const file = new Blob([wav(samples, RATE_HZ)], { type: "audio/wav" });
    offerSound(this.part(".answer-sound"), file, `answer-${this.asked.number}-${this.asked.model.replaceAll(/[^\w.-]+/g, "-").slice(0, 40)}.wav`);
  }

  /** @param {import("./figures.js").Counts} counts */
  #price(counts) {
    const { prices, original } = this.book;
    const own = prices[this.asked.model] ?? prices[this.asked.model.replace(/-\d{4}-\d{2}-\d{2}$/, "")];
    const amount = priced(own ?? prices[original], counts);
    this.part(".price").textContent = amount === null ? "not known" : money(amount);
    this.part(".price-note").textContent = own ? `as ${this.asked.model}` : `as ${original}`;
  }

  /**
   * What it cost here: what the endpoint noted down for one request more than before.
   * @param {import("./chat.js").Answer} answer
   * @param {Promise<import("./endpoint.js").Sums | null>} before
   * @param {string} day
   */
  async #cost(answer, before, day) {
    const first = answer.usage ? await before : null;
    if (!first) return;
    for (const wait of [150, 500, 1200]) {
      await new Promise((done) => setTimeout(done, wait));
      const now = await this.endpoint.used(this.asked.model, day);
      if (!now || now.requests === first.requests) continue;
      const one = now.requests === first.requests + 1;
      const known = one && now.cost_usd !== null && now.uncosted_requests === first.uncosted_requests;
      this.part(".cost").textContent = known && now.cost_usd !== null ? money(difference(now.cost_usd, first.cost_usd)) : "not known";
      this.part(".cost-note").textContent = !one
        ? "others asked at the same time"
        : `${(now.machine_s - first.machine_s).toFixed(2)} s of the machine` + (known ? "" : "; VIVA_COST_PER_HOUR is not set");
      this.part(".cost-stat").hidden = one && now.machine_s === first.machine_s; // its queue keeps no clock
      return;
    }
  }

  /**
   * @param {unknown} error
   * @param {import("./player.js").Voice} voice
   * @returns {object | null}
   */
  #fail(error, voice) {
    this.part(".stop").hidden = true;
    this.#keepSound();
    if (error instanceof DOMException && error.name === "AbortError") {
      this.shown.dataset["state"] = "stopped";
      this.#state("Stopped");
      announce("Stopped.");
      return this.#text ? { role: "assistant", content: this.#text } : null;
    }
    voice.stop();
    this.shown.dataset["state"] = "failed";
    this.#state("");
    this.#explain(error);
    return null;
  }

  /** @param {unknown} error */
  #explain(error) {
    const { title, advice, detail, retryAfterS, about } = explained(error);
    const wait = retryAfterS === null ? "" : ` Try again in ${Math.ceil(retryAfterS)} s.`;
    this.part(".problem-title").textContent = title;
    this.part(".problem-advice").textContent = advice + wait;
    this.part(".problem-detail").textContent = detail;
    this.part(".answer-problem").hidden = false;
    const again = within(this.shown, ".again", HTMLButtonElement);
    if (retryAfterS !== null) {
      again.disabled = true;
      setTimeout(() => (again.disabled = false), Math.min(retryAfterS, 3600) * 1000);
    }
    this.shown.dispatchEvent(new CustomEvent("problem", { bubbles: true, detail: about }));
  }
}
