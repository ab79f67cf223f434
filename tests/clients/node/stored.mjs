// Stored completions with the official JavaScript client: kept whole and streamed, listed, fetched, labelled, deleted.
// Reads {base_url} as JSON from standard input, prints what it saw as JSON.
import OpenAI from "openai";

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const { base_url } = JSON.parse(Buffer.concat(chunks).toString());

const client = new OpenAI({ baseURL: base_url, apiKey: "none", maxRetries: 0 });
const completions = client.chat.completions;
const asked = { model: "gpt-4o-mini-audio-preview", messages: [{ role: "user", content: "Two plus two?" }], store: true };

const ids = [];
for (let number = 0; number < 3; number++) {
  ids.push((await completions.create({ ...asked, metadata: { number: String(number) } })).id);
}
let streamed;
for await (const chunk of await completions.create({ ...asked, stream: true, metadata: { streamed: "yes" } })) streamed = chunk.id;
ids.push(streamed);

const ids_of = async (query) => {
  const found = [];
  for await (const each of completions.list(query)) found.push(each.id);
  return found;
};
const listed = await ids_of({ limit: 2 });
const backwards = await ids_of({ limit: 3, order: "desc" });
const narrowed = await ids_of({ metadata: { number: "1" }, model: asked.model });
const updated = await completions.update(ids[0], { metadata: { number: "ten" } });
const retrieved = await completions.retrieve(ids[0]);
const messages = [];
for await (const message of completions.messages.list(streamed)) messages.push(message);

const deleted = [];
for await (const each of completions.list({ limit: 1 })) deleted.push(await completions.delete(each.id));
const missing = await completions.retrieve(ids[0]).catch((error) => ({
  name: error.constructor.name,
  status: error.status,
  code: error.code,
  param: error.param,
}));

process.stdout.write(
  JSON.stringify({ ids, listed, backwards, narrowed, updated, retrieved, messages, deleted, missing, left: await ids_of({}) }),
);
