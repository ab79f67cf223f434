// What a page does with our formats. Each function is called by name from the tests; sound goes back as base64.

const base64 = (bytes) => {
  let text = "";
  for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return btoa(text);
};

const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

const joined = (pieces) => {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  pieces.reduce((at, piece) => (whole.set(piece, at), at + piece.length), 0);
  return whole;
};

const post = (content, format, stream) =>
  fetch("/v1/chat/completions", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model: "gpt-4o-mini-audio-preview",
      modalities: ["text", "audio"],
      audio: { voice: "alloy", format },
      messages: [{ role: "user", content }],
      stream,
    }),
  });

// Calls take(bytes) for each piece of a streamed answer, as it comes; each is base64 of its own.
const streamed = async (format, take) => {
  const answer = await post("Two and two?", format, true);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const events = (held + value).split("\n\n");
    held = events.pop();
    for (const event of events) {
      if (!event.startsWith("data: {")) continue;
      const sound = JSON.parse(event.slice(6)).choices[0]?.delta.audio?.data;
      if (sound) await take(bytesOf(sound));
    }
  }
};

window.answered = async (format, stream) => {
  if (!stream) return bytesOf((await (await post("Two and two?", format, false)).json()).choices[0].message.audio.data);
  const pieces = [];
  await streamed(format, (piece) => pieces.push(piece));
  return joined(pieces);
};

// pcm16 says nothing of itself: clients put a header before it.
const withHeader = (pcm) => {
  const head = new DataView(new ArrayBuffer(44));
  const word = (at, text) => [...text].forEach((letter, index) => head.setUint8(at + index, letter.charCodeAt(0)));
  word(0, "RIFF"); head.setUint32(4, 36 + pcm.length, true); word(8, "WAVEfmt ");
  head.setUint32(16, 16, true); head.setUint16(20, 1, true); head.setUint16(22, 1, true);
  head.setUint32(24, 24000, true); head.setUint32(28, 48000, true);
  head.setUint16(32, 2, true); head.setUint16(34, 16, true);
  word(36, "data"); head.setUint32(40, pcm.length, true);
  return joined([new Uint8Array(head.buffer), pcm]);
};

const event = (target, name) =>
  new Promise((good, bad) => {
    target.addEventListener(name, good, { once: true });
    target.addEventListener("error", () => bad(new Error(target.error?.message ?? name)), { once: true });
    setTimeout(() => bad(new Error(`no ${name} within 10 s`)), 10_000);
  });

window.heard = async ({ format, type, stream }) => {
  const sent = await answered(format, stream);
  const file = format === "pcm16" ? withHeader(sent) : sent;
  const buffer = await new OfflineAudioContext(1, 1, 24000).decodeAudioData(file.slice().buffer);
  const player = new Audio(URL.createObjectURL(new Blob([file], { type })));
  await event(player, "loadedmetadata");
  const stated = player.duration;
  player.playbackRate = 4;
  const ended = event(player, "ended");
  await player.play();
  await ended;
  return {
    sampleRate: buffer.sampleRate,
    samples: base64(new Uint8Array(buffer.getChannelData(0).slice().buffer)),
    stated: Number.isFinite(stated) ? stated : null,
    played: player.currentTime,
  };
};

// Plays pieces while they come, through Media Source Extensions.
window.playedWhileItComes = async ({ format, type }) => {
  const media = new MediaSource();
  const player = new Audio(URL.createObjectURL(media));
  await event(media, "sourceopen");
  const track = media.addSourceBuffer(type);
  let pieces = 0;
  await streamed(format, async (piece) => {
    const updated = event(track, "updateend");
    track.appendBuffer(piece);
    await updated;
    pieces += 1;
  });
  media.endOfStream();
  player.playbackRate = 4;
  const ended = event(player, "ended");
  await player.play();
  await ended;
  return { pieces, duration: player.duration, played: player.currentTime, stretches: track.buffered.length };
};

// Records a tone, or the microphone, as a page does, and asks with the recording as a data: URI, wrongly labelled.
window.recordedAndAsked = async ({ type, microphone }) => {
  const context = new AudioContext();
  const to = context.createMediaStreamDestination();
  const tone = new OscillatorNode(context, { frequency: 440 });
  tone.connect(to);
  tone.start();
  const sound = microphone ? await navigator.mediaDevices.getUserMedia({ audio: true }) : to.stream;
  const recorder = new MediaRecorder(sound, { mimeType: type });
  const parts = [];
  recorder.ondataavailable = (part) => parts.push(part.data);
  const began = event(recorder, "start");
  recorder.start(100);
  await began;
  const start = performance.now();
  await new Promise((done) => setTimeout(done, 1200));
  const stopped = event(recorder, "stop");
  recorder.stop();
  const seconds = (performance.now() - start) / 1000;
  await stopped;
  const reader = new FileReader();
  const read = event(reader, "load");
  reader.readAsDataURL(new Blob(parts, { type: recorder.mimeType }));
  await read;
  const content = [{ type: "input_audio", input_audio: { data: reader.result, format: "wav" } }];
  const answer = await post(content, "wav", false);
  return { status: answer.status, uri: reader.result.slice(0, 60), parts: parts.length, seconds };
};
