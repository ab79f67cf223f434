// Files heard by the official JavaScript client: in each format, streamed, translated, refused.
// Reads {base_url, recording} as JSON from standard input, prints what it saw as JSON.
import OpenAI, { toFile } from "openai";

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const { base_url, recording } = JSON.parse(Buffer.concat(chunks).toString());

const client = new OpenAI({ baseURL: base_url, apiKey: "sk-browser-style", maxRetries: 0 });
const file = () => toFile(Buffer.from(recording, "base64"), "question.mp3");
const create = async (more) => client.audio.transcriptions.create({ model: "whisper-1", file: await file(), ...more });

const verbose = await create({
  response_format: "verbose_json",
  timestamp_granularities: ["word", "segment"],
  chunking_strategy: { type: "server_vad", silence_duration_ms: 600 },
  languages: ["en"],
  keywords: ["Paris", "France"],
});
const json = await create({ model: "gpt-4o-transcribe", include: ["logprobs"] });
const texts = {};
for (const response_format of ["text", "srt", "vtt"]) texts[response_format] = await create({ response_format });

const events = [];
for await (const event of await create({ model: "gpt-4o-mini-transcribe", stream: true })) events.push(event);

const translated = await client.audio.translations.create({ model: "whisper-1", file: await file() });
const diarized = await create({ model: "gpt-4o-transcribe-diarize", response_format: "diarized_json" });
const unknown = { response_format: "diarized_json", known_speaker_names: ["Ann"] };
const refused = await create(unknown).catch((error) => ({
  name: error.constructor.name,
  status: error.status,
  code: error.code,
  param: error.param,
}));

process.stdout.write(JSON.stringify({ verbose, json, texts, events, translated, diarized, refused }));
