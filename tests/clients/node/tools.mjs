// Tools with the official JavaScript client: its runner calls functions and sends results back; streams; typed answers.
// Reads {base_url, recording} as JSON from standard input, prints what it saw as JSON.
import OpenAI from "openai";

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const { base_url, recording } = JSON.parse(Buffer.concat(chunks).toString());

const client = new OpenAI({ baseURL: base_url, apiKey: "none", maxRetries: 0 });
const model = "gpt-4o-mini-audio-preview";
const question = { role: "user", content: [{ type: "input_audio", input_audio: { data: recording, format: "mp3" } }] };
const parameters = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};

const runner = (stream) => {
  const called = [];
  const tool = {
    type: "function",
    function: {
      name: "get_weather",
      description: "The weather in a city, now.",
      parameters,
      parse: JSON.parse,
      function: (given) => {
        called.push(given);
        return "Sunny, 25 degrees.";
      },
    },
  };
  return { called, run: client.chat.completions.runTools({ model, messages: [question], tools: [tool], temperature: 0, stream }) };
};

const seen = {};
for (const [name, stream] of [["whole", false], ["streamed", true]]) {
  const { called, run } = runner(stream);
  const text = await run.finalContent();
  seen[name] = { called, text, roles: run.messages.map((message) => message.role) };
}

const spoken = client.chat.completions.stream({
  model,
  modalities: ["text", "audio"],
  audio: { voice: "alloy", format: "pcm16" },
  messages: [question],
  tools: [{ type: "function", function: { name: "get_weather", parameters } }],
  tool_choice: "required",
  parallel_tool_calls: false,
  temperature: 0,
});
const message = (await spoken.finalChatCompletion()).choices[0];
seen.spoken = {
  finish_reason: message.finish_reason,
  calls: message.message.tool_calls.map((call) => [call.type, call.function.name, JSON.parse(call.function.arguments)]),
  audio: message.message.audio ?? null,
  content: message.message.content,
};
process.stdout.write(JSON.stringify(seen));
