// @ts-check
/** @module The exact request as a command and as a program. The key is read from the environment, never written down. */

/**
 * For a POSIX shell; the body comes on standard input, because recordings are longer than a command line may be.
 * @param {string} baseUrl
 * @param {object} body
 */
export function curl(baseUrl, body) {
  return [
    `curl --no-buffer ${quoted(`${baseUrl}/chat/completions`)} \\`,
    `  --header 'Content-Type: application/json' \\`,
    `  --header "Authorization: Bearer \${OPENAI_API_KEY:-none}" \\`,
    `  --data-binary @- <<'REQUEST'`,
    JSON.stringify(body),
    "REQUEST",
    "",
  ].join("\n");
}

/**
 * With the official client; plays nothing, writes the answer down.
 * @param {string} baseUrl
 * @param {object} body
 */
export function python(baseUrl, body) {
  const data = JSON.stringify(JSON.stringify(body)); // JSON text as a literal: Python reads the same escapes
  return `import base64, json, os, wave

from openai import OpenAI  # pip install openai

client = OpenAI(base_url=${JSON.stringify(baseUrl)}, api_key=os.environ.get("OPENAI_API_KEY", "none"))
request = json.loads(${data})
sound = b""
for chunk in client.chat.completions.create(**request):
    for choice in chunk.choices:
        delta = choice.delta.model_dump()
        audio = delta.get("audio") or {}
        print(audio.get("transcript") or delta.get("content") or "", end="", flush=True)
        sound += base64.b64decode(audio.get("data") or "")
print()
with wave.open("answer.wav", "wb") as file:
    file.setparams((1, 2, 24000, 0, "NONE", ""))
    file.writeframes(sound)
`;
}

/** @param {string} text */
function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
