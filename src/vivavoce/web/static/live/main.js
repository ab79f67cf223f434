// @ts-check
/** @module The live test: the form, the conversation, and what follows what. */

import { Choice } from "./choice.js";
import { announce, byId, within } from "./dom.js";
import { Endpoint } from "./endpoint.js";
import { Recording, LONGEST_S, NoMicrophone, forbidden } from "./microphone.js";
import { Player } from "./player.js";
import { explained } from "./problems.js";
import { RATE_HZ, SILENCE_PEAK, decoded, peak, samplesOf, toBase64, wav } from "./sound.js";
import { AnswerCard, showQuestion } from "./turn.js";

/** @typedef {import("./turn.js").Question} Question */

const page = byId("live", HTMLElement);
const endpoint = new Endpoint(page.dataset["endpoint"] || `${location.origin}/v1`);
const book = { prices: JSON.parse(page.dataset["prices"] ?? "{}"), original: page.dataset["original"] ?? "" };
const player = new Player();

const record = byId("record", HTMLButtonElement);
const askButton = byId("ask", HTMLButtonElement);
const typed = byId("typed", HTMLTextAreaElement);
const model = new Choice("model");
const second = new Choice("second");
const voice = new Choice("voice");
const conversation = byId("conversation", HTMLElement);

/** Bytes of a file in base64 that a Viva Voce takes unless told otherwise (25 MiB of request). */
const LARGEST_BYTES = 18_500_000;

/** @type {Question | null} */ let question = null;
/** @type {Recording | null} */ let recording = null;
let opening = false;
/** What each of the two models has been told so far. @type {object[][]} */
let histories = [[], []];
/** @type {AnswerCard[]} */ let cards = [];
/** Answers under way. @type {Promise<unknown>} */ let under = Promise.resolve();
let number = 0;

// The endpoint and its key

const key = byId("key", HTMLInputElement);
key.value = endpoint.key;
key.addEventListener("change", () => {
  endpoint.key = key.value;
  void meet();
});

/** Ask the endpoint what it offers. */
async function meet() {
  const told = byId("endpoint-state", HTMLElement);
  try {
    const models = await endpoint.models();
    const options = models.map((value) => ({ value }));
    model.offer(options);
    second.offer(options, 1);
    told.textContent = `${models.length} models`;
    told.className = "badge badge-good";
  } catch (error) {
    const { title, about } = explained(error);
    told.textContent = title;
    told.className = "badge badge-bad";
    if (about) show(about);
  }
  const voices = await endpoint.voices().catch(() => []);
  if (voices.length) voice.offer(voices);
}

/** Put the field that an error is about before somebody's eyes. @param {string} about */
function show(about) {
  const field = { key: "key", endpoint: "endpoint", model: "model", voice: "voice" }[about];
  if (!field) return;
  const folded = byId(field, HTMLElement).closest("details");
  if (folded) folded.open = true;
}

conversation.addEventListener("problem", (event) => {
  if (event instanceof CustomEvent && event.detail) show(event.detail);
});

// The question

/** @param {Question | null} next */
function choose(next) {
  question = next;
  const shown = byId("chosen", HTMLElement);
  shown.hidden = next === null;
  if (next) {
    byId("chosen-name", HTMLElement).textContent = next.name;
    const audio = byId("chosen-sound", HTMLAudioElement);
    audio.hidden = !next.file;
    URL.revokeObjectURL(audio.src);
    if (next.file) audio.src = URL.createObjectURL(next.file);
    const seconds = next.samples ? next.samples.length / RATE_HZ : null;
    const silent = next.samples !== null && peak(next.samples) < SILENCE_PEAK;
    byId("chosen-note", HTMLElement).textContent = silent
      ? "There is no sound in it. If you spoke, the microphone is muted, or another one was chosen."
      : seconds === null
        ? "This browser cannot play it; the endpoint may hear it all the same."
        : `${seconds.toFixed(1)} s`;
    announce(`${next.name} is ready to be asked.`);
  }
  ready();
}

/** Whether there is something to ask. The button stays where it is, or whoever uses the keyboard would lose their place. */
function ready() {
  const can = recording === null && Boolean(question || typed.value.trim());
  askButton.setAttribute("aria-disabled", String(!can));
  return can;
}

/** @param {Float32Array<ArrayBuffer>} samples @param {string} name @param {string} [text] @returns {Question} */
function spoken(samples, name, text = "") {
  const bytes = wav(samples, RATE_HZ);
  const content = [{ type: "input_audio", input_audio: { data: toBase64(bytes), format: "wav" } }];
  return { content, samples, file: new Blob([bytes], { type: "audio/wav" }), name, text };
}

/** @param {string} text */
function complain(text) {
  const place = byId("question-problem", HTMLElement);
  place.textContent = text;
  place.hidden = !text;
}

record.addEventListener("click", async () => {
  complain("");
  if (recording) return finish();
  stopAll();
  void player.open();
  if (opening) return;
  opening = true; // the button is not disabled meanwhile, or whoever uses the keyboard would lose their place
  try {
    recording = await Recording.start();
  } catch (error) {
    complain(error instanceof NoMicrophone ? error.message : String(error));
    return;
  } finally {
    opening = false;
  }
  record.setAttribute("aria-pressed", "true");
  byId("record-label", HTMLElement).textContent = "Stop and ask";
  announce("Recording. Press again to stop and ask.");
  const level = byId("level", HTMLMeterElement);
  const time = byId("record-time", HTMLElement);
  recording.onlevel = (loud, seconds) => {
    level.value = Math.max(loud, level.value * 0.92);
    time.textContent = `${seconds.toFixed(1)} s`;
    if (seconds >= LONGEST_S) void finish();
  };
  choose(null);
});

async function finish() {
  const ended = recording;
  recording = null;
  if (!ended) return;
  record.setAttribute("aria-pressed", "false");
  byId("record-label", HTMLElement).textContent = "Speak";
  byId("level", HTMLMeterElement).value = 0;
  const samples = await ended.stop();
  byId("record-time", HTMLElement).textContent = "";
  if (samples.length < RATE_HZ / 10) {
    complain("That was too short to hear anything. Press, speak, press again.");
    return;
  }
  choose(spoken(samples, "Your recording"));
  if (question?.samples && peak(question.samples) < SILENCE_PEAK) complain("The microphone gave silence only. Is it muted, or is another one chosen in the browser? You can ask it all the same.");
  else void askNow();
}

const forbiddenBecause = forbidden();
if (forbiddenBecause) {
  record.disabled = true;
  complain(forbiddenBecause);
}

/** @param {File} file */
async function take(file) {
  complain("");
  if (file.size > LARGEST_BYTES) {
    complain(`${file.name} has ${(file.size / 1e6).toFixed(0)} MB, and a request holds about 18. Send a shorter or a compressed one, mp3 for example.`);
    return;
  }
  const bytes = await file.arrayBuffer();
  const samples = await decoded(bytes);
  const label = /\.(\w+)$/.exec(file.name)?.[1]?.toLowerCase() ?? "wav";
  if (!endpoint.isHere && samples && !["wav", "mp3"].includes(label)) {
    choose(spoken(samples, file.name)); // not every endpoint reads more than wav and mp3
    return;
  }
  const content = [{ type: "input_audio", input_audio: { data: toBase64(new Uint8Array(bytes)), format: label } }];
  choose({ content, samples, file, name: file.name, text: "" });
}

byId("file", HTMLInputElement).addEventListener("change", ({ target }) => {
  if (!(target instanceof HTMLInputElement)) return;
  const file = target.files?.[0];
  target.value = "";
  if (file) void take(file);
});
page.addEventListener("dragover", (event) => event.preventDefault());
page.addEventListener("drop", (event) => {
  event.preventDefault();
  const file = event.dataTransfer?.files[0];
  if (file) void take(file);
});

/** Questions that need no microphone: said by the endpoint's own voice, or made here. */
byId("examples", HTMLElement).addEventListener("click", async ({ target }) => {
  const button = target instanceof Element ? target.closest("button") : null;
  if (!button) return;
  complain("");
  const text = button.textContent.trim();
  if (button.dataset["silent"]) {
    choose(spoken(new Float32Array(RATE_HZ * 3), text));
    return;
  }
  button.disabled = true;
  announce("The question is being spoken.");
  try {
    choose(spoken(samplesOf(await endpoint.speech(text, "echo")), text, text));
  } catch (error) {
    const { title, advice, about } = explained(error);
    complain(`The question could not be spoken. ${title}: ${advice}`);
    if (about === "key") show(about);
  } finally {
    button.disabled = false;
  }
});

typed.addEventListener("input", ready);
typed.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  if (ready()) void askNow();
});

// The conversation

const compare = byId("compare", HTMLInputElement);
compare.addEventListener("change", () => {
  byId("second-field", HTMLElement).hidden = !compare.checked;
});

askButton.addEventListener("click", () => {
  if (ready()) void askNow();
  else complain(recording ? "Press “Stop and ask” when you have spoken." : "Speak, choose a question or a file, or type something first.");
});

/** @returns {Question | null} */
function asked() {
  const text = typed.value.trim();
  if (question && text) return { ...question, content: [{ type: "text", text }, .../** @type {object[]} */ (question.content)], text: [question.text, text].filter(Boolean).join(" + ") };
  return question ?? (text ? { content: text, samples: null, file: null, name: "Typed", text } : null);
}

async function askNow() {
  const next = asked();
  if (!next) return;
  const unnamed = [model, ...(compare.checked ? [second] : [])].find((each) => !each.value);
  if (unnamed) {
    complain("Which model is to be asked? Choose one, or type its name.");
    unnamed.other.focus();
    return;
  }
  complain("");
  void player.open();
  stopAll(); // whoever asks anew has heard enough
  typed.value = "";
  choose(null);
  await under;
  number += 1;
  const shown = showQuestion(next, number);
  conversation.append(shown);
  byId("begin-anew", HTMLButtonElement).hidden = false;
  under = answer(next, shown);
}

/**
 * Ask the models that are chosen, and show their answers below the question.
 * @param {Question} next
 * @param {HTMLElement} shown
 */
async function answer(next, shown) {
  const models = [model.value, ...(compare.checked ? [second.value] : [])];
  const turns = models.map((name, column) => askOne(next, shown, column, name));
  shown.scrollIntoView({ block: "start", behavior: "smooth" });
  byId("stop-all", HTMLButtonElement).hidden = false;
  await Promise.all(turns);
  byId("stop-all", HTMLButtonElement).hidden = true;
}

/**
 * @param {Question} next
 * @param {HTMLElement} shown
 * @param {number} column which of the two models
 * @param {string} name of the model
 * @param {HTMLElement} [instead] of this card
 */
async function askOne(next, shown, column, name, instead) {
  const kept = histories; // those of this conversation, should a new one begin meanwhile
  const earlier = kept[column] ?? [];
  const instructions = byId("instructions", HTMLTextAreaElement).value.trim();
  const head = instructions ? [{ role: "system", content: instructions }] : [];
  const user = { role: "user", content: next.content };
  const card = new AnswerCard(endpoint, { model: name, voice: voice.value, messages: [...head, ...earlier, user], number }, book);
  card.part(".again").addEventListener("click", () => {
    under = askOne(next, shown, column, name, card.shown);
  });
  cards.push(card);
  if (instead) {
    instead.replaceWith(card.shown);
    card.part(".stop").focus();
  } else within(shown, ".answers", HTMLElement).append(card.shown);
  const message = await card.run(player);
  if (message) kept[column] = [...earlier, user, message];
}

/** @returns {void} */
function stopAll() {
  for (const card of cards) card.stop();
  player.stop();
}

byId("stop-all", HTMLButtonElement).addEventListener("click", stopAll);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") stopAll();
});
byId("begin-anew", HTMLButtonElement).addEventListener("click", ({ currentTarget }) => {
  stopAll();
  histories = [[], []];
  cards = [];
  number = 0;
  for (const audio of conversation.querySelectorAll("audio")) URL.revokeObjectURL(audio.src);
  conversation.replaceChildren();
  if (currentTarget instanceof HTMLElement) currentTarget.hidden = true;
  announce("A new conversation.");
  record.focus();
});

ready();
page.dataset["ready"] = "true";
performance.mark("ready");
void meet();
