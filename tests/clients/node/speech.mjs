// Texts spoken for the official JavaScript client: in each format, read while they are made, as events, refused.
// Reads {base_url, text} as JSON from standard input, prints what it saw as JSON; sound in base64.
import OpenAI from "openai";

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const { base_url, text } = JSON.parse(Buffer.concat(chunks).toString());

const client = new OpenAI({ baseURL: base_url, apiKey: "none", maxRetries: 0 });
const create = (more) => client.audio.speech.create({ model: "gpt-4o-mini-tts", voice: "alloy", input: text, ...more });
const whole = async (response) => Buffer.from(await response.arrayBuffer());

const files = {};
for (const response_format of ["mp3", "opus", "aac", "flac", "wav", "pcm"]) {
  const response = await create({ response_format });
  files[response_format] = { type: response.headers.get("content-type"), data: (await whole(response)).toString("base64") };
}
const unasked = await create({ instructions: "Whisper.", speed: 2 });
const fast = { type: unasked.headers.get("content-type"), data: (await whole(unasked)).toString("base64") };

const long = Array(4).fill(text).join(" ");
const started = performance.now();
const response = await create({ input: long, response_format: "pcm" });
const streamed = { pieces: 0, bytes: 0 };
for await (const piece of response.body) {
  streamed.first_ms ??= performance.now() - started;
  streamed.pieces += 1;
  streamed.bytes += piece.length;
}
streamed.whole_ms = performance.now() - started;

const events = [];
const lines = (await whole(await create({ response_format: "pcm", stream_format: "sse" }))).toString().split("\n\n");
for (const line of lines.filter(Boolean)) events.push(JSON.parse(line.replace(/^data: /, "")));

const refused = await create({ voice: "gandalf" }).catch((error) => ({
  name: error.constructor.name,
  status: error.status,
  code: error.code,
  param: error.param,
}));

process.stdout.write(JSON.stringify({ files, fast, streamed, events, refused }));
