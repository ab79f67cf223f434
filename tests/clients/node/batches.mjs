// Files and a batch by the official JavaScript client: uploaded, listed, run, read, deleted, refused.
// Reads {base_url, recording} as JSON from standard input, prints what it saw as JSON.
import OpenAI, { toFile } from "openai";

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const { base_url, recording } = JSON.parse(Buffer.concat(chunks).toString());

const client = new OpenAI({ baseURL: base_url, apiKey: "sk-browser-style", maxRetries: 0 });
const url = "/v1/audio/transcriptions";
const named = await client.files.create({
  file: await toFile(Buffer.from(recording, "base64"), "question.mp3"),
  purpose: "user_data",
  expires_after: { anchor: "created_at", seconds: 3600 },
});
const lines = [
  { custom_id: "inline", method: "POST", url, body: { model: "whisper-1", file: recording } },
  { custom_id: "named", method: "POST", url, body: { model: "whisper-1", file_id: named.id } },
  { custom_id: "bad", method: "POST", url, body: { model: "whisper-1" } },
];
const jsonl = lines.map((line) => JSON.stringify(line)).join("\n");
const input = await client.files.create({ file: await toFile(Buffer.from(jsonl), "lines.jsonl"), purpose: "batch" });

let batch = await client.batches.create({ input_file_id: input.id, endpoint: url, completion_window: "24h" });
for (let tries = 0; tries < 600 && !["completed", "failed"].includes(batch.status); tries++) {
  await new Promise((resolve) => setTimeout(resolve, 100));
  batch = await client.batches.retrieve(batch.id);
}
const read = async (id) => (await (await client.files.content(id)).text()).trim().split("\n").map((line) => JSON.parse(line));
const output = await read(batch.output_file_id);
const errors = await read(batch.error_file_id);

const listed = [];
for await (const file of client.files.list({ limit: 2 })) listed.push(file.id);
const batches = [];
for await (const each of client.batches.list({ limit: 1 })) batches.push(each.id);
const deleted = await client.files.delete(named.id);
const refused = await client.batches.cancel(batch.id).catch((error) => ({
  name: error.constructor.name,
  status: error.status,
  code: error.code,
}));

process.stdout.write(JSON.stringify({ named, input, batch, output, errors, listed, batches, deleted, refused }));
