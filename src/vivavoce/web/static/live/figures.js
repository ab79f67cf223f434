// @ts-check
/**
 * @module Tokens, money and time of one answer.
 *
 * @typedef {Record<string, string>} Rates unit -> US dollars per million, as decimal text
 * @typedef {{ input_text_tokens: number, input_audio_tokens: number, input_cached_tokens: number, output_text_tokens: number, output_audio_tokens: number }} Counts
 */

import { make } from "./dom.js";

/** @param {import("./chat.js").Usage} usage @returns {Counts} */
export function counted(usage) {
  const audioIn = usage.prompt_tokens_details?.audio_tokens ?? 0;
  const audioOut = usage.completion_tokens_details?.audio_tokens ?? 0;
  return {
    input_text_tokens: usage.prompt_tokens - audioIn,
    input_audio_tokens: audioIn,
    input_cached_tokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
    output_text_tokens: usage.completion_tokens - audioOut,
    output_audio_tokens: audioOut,
  };
}

/** What counts cost in dollars; null where a price that it takes is not known. @param {Rates | undefined} rates @param {Counts} counts @returns {number | null} */
export function priced(rates, counts) {
  if (!rates) return null;
  const billed = { ...counts };
  if (rates.input_cached_tokens === undefined) billed.input_cached_tokens = 0; // they are among the text already
  else billed.input_text_tokens -= billed.input_cached_tokens;
  let sum = 0;
  for (const [unit, count] of Object.entries(billed)) {
    if (!count) continue;
    const rate = rates[unit];
    if (rate === undefined) return null;
    sum += (Number(rate) * count) / 1e6;
  }
  return sum;
}

/** Two significant digits and more where a dollar is reached. @param {number} dollars */
export function money(dollars) {
  if (dollars === 0) return "$0";
  if (dollars >= 1) return `$${dollars.toFixed(2)}`;
  return `$${Number(dollars.toPrecision(2)).toFixed(Math.min(12, 1 - Math.floor(Math.log10(dollars))))}`;
}

/** The difference of two amounts in decimal text, exactly. @param {string} more @param {string | null} less @returns {number} */
export function difference(more, less) {
  const digits = 18;
  /** @param {string} text */
  const whole = (text) => {
    const [units = "0", part = ""] = text.split(".");
    return BigInt(units + part.padEnd(digits, "0").slice(0, digits));
  };
  return Number(whole(more) - whole(less ?? "0")) / 10 ** digits;
}

/** @param {number} ms */
export function seconds(ms) {
  return ms < 100 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

/**
 * The delay, stage below stage.
 * @param {import("./chat.js").Marks & { played?: number }} marks
 * @returns {HTMLElement}
 */
export function waterfall(marks) {
  const stages = stagesOf(marks);
  const whole = Math.max(...stages.map(({ to }) => to), 1);
  const rows = stages.map(({ name, from, to, kind }) => {
    const bar = make("span", { class: `bar-fill bar-${kind}` });
    bar.style.marginInlineStart = `${(100 * from) / whole}%`; // set by script, which the policy allows
    bar.style.width = `${Math.max(0.6, (100 * (to - from)) / whole)}%`;
    return make(
      "tr",
      {},
      make("th", { scope: "row" }, name),
      make("td", { class: "bar-track", "aria-hidden": "true" }, bar),
      make("td", { class: "number" }, seconds(to - from)),
      make("td", { class: "number" }, seconds(to)),
    );
  });
  return make(
    "table",
    { class: "waterfall" },
    make("caption", {}, "Where the time went"),
    make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "stage"), make("td", { "aria-hidden": "true" }), make("th", { scope: "col", class: "number" }, "took"), make("th", { scope: "col", class: "number" }, "until"))),
    make("tbody", {}, ...rows),
  );
}

/**
 * What did not happen, or cannot be told, is not there.
 * @param {import("./chat.js").Marks & { played?: number }} marks
 */
function stagesOf(marks) {
  /** @type {{ name: string, from: number, to: number, kind: string }[]} */ const stages = [];
  let from = 0;
  /** @type {(name: string, to: number | undefined, kind: string) => void} */
  const stage = (name, to, kind) => {
    if (to === undefined) return;
    stages.push({ name, from: Math.min(from, to), to, kind });
    from = Math.max(from, to);
  };
  stage("upload", marks.uploaded, "way");
  stage(marks.uploaded === undefined ? "upload and hearing" : "hearing", marks.heard, "hear");
  stage(marks.heard === undefined ? "first words" : "thinking", marks.text, "think");
  stage("first sound made", marks.sound, "speak");
  stage("first sound heard", marks.played, "play");
  const start = marks.sound ?? marks.text ?? from;
  if (marks.end !== undefined) stages.push({ name: "the rest", from: Math.min(start, marks.end), to: marks.end, kind: "rest" });
  return stages;
}
