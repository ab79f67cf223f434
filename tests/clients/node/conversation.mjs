// One conversation with the official JavaScript client: whole, by its stream runner, and on by id.
// Reads {base_url, recording} as JSON from standard input, prints what it saw as JSON.
import { createHash } from "node:crypto";
import OpenAI from "openai";

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const { base_url, recording } = JSON.parse(Buffer.concat(chunks).toString());

const client = new OpenAI({ baseURL: base_url, apiKey: "sk-browser-style", dangerouslyAllowBrowser: true, maxRetries: 0 });
const model = "gpt-4o-mini-audio-preview";
const question = { role: "user", content: [{ type: "input_audio", input_audio: { data: recording, format: "mp3" } }] };
const spoken = (format) => ({ model, modalities: ["text", "audio"], audio: { voice: "alloy", format }, seed: 7, max_completion_tokens: 300 });
const digest = (base64) => createHash("sha256").update(Buffer.from(base64, "base64")).digest("hex");

const whole = await client.chat.completions.create({ ...spoken("wav"), messages: [question] });
const answer = whole.choices[0].message;

const seen = { chunks: 0, contents: 0, ids: [], pcm: [], usage: null };
const runner = client.chat.completions.stream({
  ...spoken("pcm16"),
  messages: [question],
  stream_options: { include_usage: true },
});
runner.on("chunk", (chunk) => {
  seen.chunks += 1;
  const audio = chunk.choices[0]?.delta?.audio;
  if (audio?.id) seen.ids.push(audio.id);
  if (audio?.data) seen.pcm.push(Buffer.from(audio.data, "base64"));
  if (chunk.usage) seen.usage = chunk.usage;
});
const rebuilt = await runner.finalChatCompletion();
const streamed = rebuilt.choices[0].message;

const turns = {};
for (const [name, id, extra] of [
  ["whole", answer.audio.id, {}],
  ["streamed", streamed.audio.id, { content: null }],
  ["streamed, empty content", streamed.audio.id, { content: "" }],
]) {
  const next = await client.chat.completions.create({
    ...spoken("wav"),
    messages: [question, { role: "assistant", audio: { id }, ...extra }, { role: "user", content: "And again?" }],
  });
  turns[name] = next.choices[0].message.audio.transcript;
}

const refused = await client.chat.completions
  .create({
    ...spoken("wav"),
    messages: [question, { role: "assistant", audio: { id: "audio_nobody" } }, { role: "user", content: "And?" }],
  })
  .catch((error) => ({ name: error.constructor.name, status: error.status, code: error.code, param: error.param }));

const pages = [];
for await (const row of client.models.list()) pages.push(row.id);

process.stdout.write(
  JSON.stringify({
    whole: { id: answer.audio.id, transcript: answer.audio.transcript, bytes: Buffer.from(answer.audio.data, "base64").length, expires_at: answer.audio.expires_at, finish_reason: whole.choices[0].finish_reason, usage: whole.usage },
    streamed: { id: streamed.audio.id, ids: seen.ids, transcript: streamed.audio.transcript, finish_reason: rebuilt.choices[0].finish_reason, expires_at: streamed.audio.expires_at, usage: rebuilt.usage, usage_chunk: seen.usage, bytes: Buffer.concat(seen.pcm).length, same_sound: digest(streamed.audio.data) === createHash("sha256").update(Buffer.concat(seen.pcm)).digest("hex"), chunks: seen.chunks },
    turns,
    refused,
    models: pages,
  }),
);
