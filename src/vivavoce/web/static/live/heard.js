// @ts-check
/** @module What was heard: words with the doubtful ones marked, and how they were said. */

import { make } from "./dom.js";

/** Below this a word is marked: it is as likely wrong as right. */
const DOUBTFUL = 0.5;

const LANGUAGES = new Intl.DisplayNames(["en"], { type: "language", fallback: "code" });

/**
 * @param {import("./chat.js").Heard} heard
 * @returns {DocumentFragment}
 */
export function showHeard(heard) {
  const shown = new DocumentFragment();
  shown.append(heard.transcript.trim() ? words(heard) : make("p", { class: "note" }, "Nothing was said in it, as far as can be heard: silence, noise or music."));
  const facts = [...languages(heard), ...tone(heard), ...speakers(heard)];
  if (facts.length) shown.append(make("ul", { class: "facts", "aria-label": "How it was said" }, ...facts.map((fact) => make("li", { class: "badge" }, fact))));
  return shown;
}

/** @param {import("./chat.js").Heard} heard */
function words({ transcript, language, words: all, unclear }) {
  const line = make("p", { class: "heard-words", lang: language ?? "" });
  if (!all.length) {
    line.append(transcript);
    return line;
  }
  const doubted = new Set(unclear.flatMap((stretch) => stretch.toLowerCase().split(/\s+/)));
  for (const { word, probability } of all) {
    const plain = word.trim();
    const bare = plain.toLowerCase().replaceAll(/[^\p{L}\p{N}'’-]/gu, "");
    if (probability < DOUBTFUL || doubted.has(bare)) {
      const percent = `${Math.round(probability * 100)} %`;
      line.append(make("mark", { title: `${percent} likely to be right` }, plain, make("span", { class: "visually-hidden" }, ` (doubtful, ${percent})`)));
    } else line.append(plain);
    line.append(" ");
  }
  return line;
}

/** @param {import("./chat.js").Heard} heard @returns {string[]} */
function languages({ language, language_probability: sure, languages: spans }) {
  if (!language) return [];
  const several = [...new Set((spans ?? []).map((span) => span.language))];
  if (several.length > 1) return [several.map((code) => LANGUAGES.of(code) ?? code).join(" → ")];
  return [`${LANGUAGES.of(language) ?? language}, ${Math.round(sure * 100)} %`];
}

/** @type {Record<string, string>} */
const SOUNDS = { anger: "angry", boredom: "bored", disgust: "disgusted", fear: "afraid", happiness: "happy", neutral: "calm", sadness: "sad" };

/** @param {import("./chat.js").Heard} heard @returns {string[]} */
function tone({ tone: how }) {
  if (!how) return [];
  const { prosody } = how;
  const sure = how.emotions[how.emotion] ?? 0;
  return [
    `sounds ${SOUNDS[how.emotion] ?? how.emotion}, ${Math.round(sure * 100)} %`,
    ...(how.urgency >= 0.5 ? [`urgent, ${Math.round(how.urgency * 100)} %`] : []),
    ...(prosody.pitch_hz === null ? [] : [`${Math.round(prosody.pitch_hz)} Hz`]),
    ...(prosody.pace_syllables_per_s > 0 ? [`${prosody.pace_syllables_per_s.toFixed(1)} syllables/s`] : []),
  ];
}

/** @param {import("./chat.js").Heard} heard @returns {string[]} */
function speakers({ speakers: turns }) {
  const names = new Set((turns ?? []).map(({ speaker }) => speaker));
  return names.size > 1 ? [`${names.size} speakers`] : names.size === 1 ? ["1 speaker"] : [];
}
