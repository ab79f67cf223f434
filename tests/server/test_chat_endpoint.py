"""Chat completions through the unmodified official client, on scripted engines."""

from __future__ import annotations

import base64
import io
import json
import os
import time
import wave

import httpx
import pytest
from openai import AsyncOpenAI, BadRequestError
from openai.lib.streaming.chat import ChatCompletionStreamState
from scripted_app import ANSWER, MakeServer, ScriptedServer, audio_part, spoken, wav_bytes

from vivavoce.testing import ScriptedThinker

MODEL = "gpt-4o-mini-audio-preview"
VOICE = {"voice": "alloy", "format": "wav"}
PCM = {"voice": "alloy", "format": "pcm16"}
BOTH = ["text", "audio"]


@pytest.mark.proves("messages", "content: string", "POST /v1/chat/completions")
def test_text_in_text_out(server: ScriptedServer) -> None:
    done = server.client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "two plus two"}])
    message = done.choices[0].message
    assert message.content == ANSWER
    assert message.audio is None
    assert message.refusal is None
    assert done.choices[0].finish_reason == "stop"
    assert done.model == MODEL
    assert done.id.startswith("chatcmpl-")
    assert done.usage.prompt_tokens == 3
    assert not hasattr(message, "heard")


@pytest.mark.proves("modalities", "audio.voice", "message.audio", "expires_at", "content: input_audio part")
def test_speech_in_speech_out(server: ScriptedServer) -> None:
    done = server.client.chat.completions.create(model=MODEL, modalities=BOTH, audio=VOICE, messages=spoken())
    message = done.choices[0].message
    assert message.content is None
    assert message.audio.transcript == ANSWER
    assert message.audio.id.startswith("audio_")
    assert 86_390 < message.audio.expires_at - time.time() < 86_410
    with wave.open(io.BytesIO(base64.b64decode(message.audio.data))) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (24_000, 1, 2)
        assert done.usage.completion_tokens_details.audio_tokens == sound.getnframes() * 20 // 24_000
    assert message.heard[0]["transcript"] == "what is two plus two"
    assert message.heard[0]["language"] == "en"
    assert message.heard[0]["words"][1] == {"word": "is", "start": 0.2, "end": 0.4, "probability": 0.9}
    assert message.heard[0]["no_speech_probability"] == 0.01


@pytest.mark.proves("message.heard")
def test_speech_in_text_out(server: ScriptedServer) -> None:
    done = server.client.chat.completions.create(model=MODEL, modalities=["text"], audio=VOICE, messages=spoken())
    assert done.choices[0].message.content == ANSWER
    assert done.choices[0].message.audio is None
    assert done.usage.completion_tokens_details.audio_tokens == 0


def test_audio_alone_may_be_asked_for(server: ScriptedServer) -> None:
    done = server.client.chat.completions.create(
        model=MODEL, modalities=["audio"], audio=PCM, messages=[{"role": "user", "content": "hi"}]
    )
    assert done.choices[0].message.content is None
    assert len(base64.b64decode(done.choices[0].message.audio.data)) % 2 == 0


@pytest.mark.proves("usage")
@pytest.mark.parametrize(("rate_hz", "channels"), [(8_000, 1), (16_000, 2), (44_100, 2), (48_000, 6), (96_000, 1)])
def test_the_same_length_costs_the_same_at_any_rate_and_channel_count(
    server: ScriptedServer, rate_hz: int, channels: int
) -> None:
    question = spoken(audio_part(wav_bytes(6.96, rate_hz, channels)))
    done = server.client.chat.completions.create(model=MODEL, messages=question)
    assert done.usage.prompt_tokens_details.audio_tokens == 69
    assert done.usage.prompt_tokens == 69


def test_details_add_up(server: ScriptedServer) -> None:
    usage = server.client.chat.completions.create(
        model=MODEL,
        modalities=BOTH,
        audio=VOICE,
        messages=spoken({"type": "text", "text": "a b c"}, audio_part(wav_bytes(2))),
    ).usage
    asked, answered = usage.prompt_tokens_details, usage.completion_tokens_details
    assert asked.audio_tokens + asked.text_tokens == usage.prompt_tokens == 23
    assert answered.audio_tokens + answered.text_tokens == usage.completion_tokens
    assert usage.prompt_tokens + usage.completion_tokens == usage.total_tokens


@pytest.mark.proves("stream", "stream order", "finish_reason", "stream_options.include_usage")
def test_the_stream_is_rebuilt_rightly_by_the_official_helper(server: ScriptedServer) -> None:
    state = ChatCompletionStreamState()
    sound, usage = b"", None
    for chunk in server.client.chat.completions.create(
        model=MODEL,
        modalities=BOTH,
        audio=PCM,
        messages=spoken(),
        stream=True,
        stream_options={"include_usage": True},
    ):
        state.handle_chunk(chunk)
        usage = chunk.usage or usage
        for choice in chunk.choices:
            if choice.delta.audio and choice.delta.audio.data:
                sound += base64.b64decode(choice.delta.audio.data, validate=True)
    done = state.get_final_completion()
    message = done.choices[0].message
    assert message.audio.transcript == ANSWER
    assert len(message.audio.id) == len("audio_") + 32
    assert abs(message.audio.expires_at - time.time() - 86_400) < 10
    assert done.choices[0].finish_reason == "stop"
    assert done.usage == usage
    assert usage.completion_tokens_details.audio_tokens == len(sound) // 2 * 20 // 24_000 > 0


def raw_stream(server: ScriptedServer, **fields: object) -> list[dict[str, object] | str]:
    body = {"model": MODEL, "stream": True, **fields}
    with server.http.stream("POST", "/v1/chat/completions", json=body) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        events = [line.removeprefix("data: ") for line in response.iter_lines() if line]
    return [event if event == "[DONE]" else json.loads(event) for event in events]


@pytest.mark.proves("stream order")
def test_the_order_of_a_spoken_stream(server: ScriptedServer) -> None:
    events = raw_stream(server, modalities=BOTH, audio=PCM, messages=spoken(), stream_options={"include_usage": True})
    assert events[-1] == "[DONE]"
    chunks = events[:-1]
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks[:-1]]
    assert deltas[0]["role"] == "assistant"
    assert deltas[0]["content"] is None
    assert set(deltas[0]["audio"]) == {"id", "transcript"}
    assert deltas[1]["heard"][0]["transcript"] == "what is two plus two"
    for delta in deltas[2:-2]:
        assert set(delta) == {"audio"}
        assert set(delta["audio"]) in ({"transcript"}, {"data"})
    assert set(deltas[-2]["audio"]) == {"expires_at"}
    assert deltas[-1] == {}
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[:-1]] == [None] * (len(deltas) - 1) + ["stop"]
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["total_tokens"] > 0
    assert all(chunk["usage"] is None for chunk in chunks[:-1])


def test_pieces_of_sound_join_as_base64_too(server: ScriptedServer) -> None:
    events = raw_stream(server, modalities=BOTH, audio=PCM, messages=spoken())
    deltas = [event["choices"][0]["delta"] for event in events[:-1]]
    pieces = [delta["audio"]["data"] for delta in deltas if "data" in delta.get("audio", {})]
    assert len(pieces) > 3
    sizes = [len(base64.b64decode(piece, validate=True)) for piece in pieces]
    assert all(size % 6 == 0 for size in sizes[:-1])
    assert max(sizes) <= 19_200
    assert base64.b64decode("".join(pieces), validate=True) == b"".join(base64.b64decode(piece) for piece in pieces)


def test_a_text_stream_has_content_and_a_finish_reason(server: ScriptedServer) -> None:
    events = raw_stream(server, messages=[{"role": "user", "content": "hi"}])
    deltas = [event["choices"][0]["delta"] for event in events[:-1]]
    assert "".join(delta.get("content") or "" for delta in deltas) == ANSWER
    assert "usage" not in events[0]
    assert events[-2]["choices"][0]["finish_reason"] == "stop"


def test_streamed_and_whole_answers_cost_the_same(server: ScriptedServer) -> None:
    fields = {"model": MODEL, "modalities": BOTH, "audio": PCM, "messages": spoken()}
    whole = server.client.chat.completions.create(**fields).usage
    streamed = [
        chunk.usage
        for chunk in server.client.chat.completions.create(
            **fields, stream=True, stream_options={"include_usage": True}
        )
    ][-1]
    assert streamed == whole


@pytest.mark.proves("content: input_audio part", "content: text part")
def test_several_recordings_are_each_heard(server: ScriptedServer) -> None:
    done = server.client.chat.completions.create(
        model=MODEL, messages=spoken(audio_part(wav_bytes(1)), audio_part(wav_bytes(2)))
    )
    assert [(part["part_index"], part["duration"]) for part in done.choices[0].message.heard] == [(0, 1.0), (1, 2.0)]
    state = ChatCompletionStreamState()
    for chunk in server.client.chat.completions.create(
        model=MODEL, messages=spoken(audio_part(wav_bytes(1)), audio_part(wav_bytes(2))), stream=True
    ):
        state.handle_chunk(chunk)
    rebuilt = state.get_final_completion().choices[0].message
    assert [part["duration"] for part in rebuilt.heard] == [1.0, 2.0]


@pytest.mark.proves("assistant audio.id")
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("content", ["absent", None, ""])
def test_an_earlier_spoken_answer_is_named_by_its_id(server: ScriptedServer, stream: bool, content: str | None) -> None:
    asked = {"model": MODEL, "modalities": BOTH, "audio": PCM, "messages": spoken()}
    if stream:
        state = ChatCompletionStreamState()
        for chunk in server.client.chat.completions.create(**asked, stream=True):
            state.handle_chunk(chunk)
        reply_id = state.get_final_completion().choices[0].message.audio.id
    else:
        reply_id = server.client.chat.completions.create(**asked).choices[0].message.audio.id
    turn = {"role": "assistant", "audio": {"id": reply_id}} | ({} if content == "absent" else {"content": content})
    server.client.chat.completions.create(
        model=MODEL, messages=[*spoken(), turn, {"role": "user", "content": "and three?"}]
    )
    assert [message.text for message in server.engines.thinker.asked[-1]][1] == ANSWER


def test_our_own_message_can_be_sent_back_as_it_came(server: ScriptedServer) -> None:
    first = server.client.chat.completions.create(model=MODEL, modalities=BOTH, audio=PCM, messages=spoken())
    message = first.choices[0].message.to_dict()
    server.client.chat.completions.create(model=MODEL, messages=[*spoken(), message, {"role": "user", "content": "?"}])
    assert server.engines.thinker.asked[-1][1].text == ANSWER


@pytest.mark.proves("audio_not_found")
def test_unknown_ids_are_told_apart_from_ids_with_words(server: ScriptedServer) -> None:
    gone = {"role": "assistant", "audio": {"id": "audio_gone"}}
    ask = {"role": "user", "content": "?"}
    with pytest.raises(BadRequestError) as caught:
        server.client.chat.completions.create(model=MODEL, messages=[*spoken(), gone, ask])
    assert caught.value.code == "audio_not_found"
    assert caught.value.param == "messages[1].audio.id"
    assert caught.value.body["message"] == "Assistant audio audio_gone not found."
    server.client.chat.completions.create(model=MODEL, messages=[*spoken(), gone | {"content": "Four."}, ask])
    assert server.engines.thinker.asked[-1][1].text == "Four."


@pytest.mark.proves("temperature", "top_p", "seed", "stop", "max_tokens", "max_completion_tokens")
def test_sampling_reaches_the_thinker(server: ScriptedServer) -> None:
    server.client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "hi"}],
        temperature=0,
        top_p=0.5,
        seed=7,
        stop="been",
        max_completion_tokens=4,
        n=1,
        stream=False,
        user="someone",
        metadata={"a": "b"},
        service_tier="auto",
    )
    sampling = server.engines.thinker.samplings[-1]
    assert (sampling.temperature, sampling.top_p, sampling.seed, sampling.stop, sampling.max_tokens) == (
        0,
        0.5,
        7,
        ("been",),
        4,
    )
    assert server.engines.thinker.asked[-1][0].role == "system"


@pytest.mark.proves("finish_reason")
def test_a_cut_answer_says_length(server: ScriptedServer) -> None:
    done = server.client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "hi"}], max_tokens=3
    )
    assert done.choices[0].finish_reason == "length"
    assert done.usage.completion_tokens == 3


def test_a_sound_free_recording_is_answered_as_silence(server: ScriptedServer) -> None:
    done = server.client.chat.completions.create(model=MODEL, messages=spoken(audio_part(wav_bytes(2, level=0.0))))
    assert done.choices[0].message.heard[0]["transcript"] == ""
    assert done.choices[0].message.heard[0]["language"] is None
    assert "no speech" in server.engines.thinker.asked[-1][-1].text


@pytest.mark.proves("input: mp3")
def test_mp3_labelled_wav_and_data_uris_are_taken(server: ScriptedServer) -> None:
    from vivavoce.audio import Audio
    from vivavoce.codec.decode import decode
    from vivavoce.codec.encode import encode

    heard: Audio = decode(wav_bytes(4.488), rate_hz=24_000)
    mp3 = encode(heard, "mp3")
    for part in (
        audio_part(mp3, "wav"),
        audio_part("data:audio/mpeg;base64," + base64.b64encode(mp3).decode(), "mp3"),
        audio_part(base64.encodebytes(mp3).decode(), "mp3"),
    ):
        done = server.client.chat.completions.create(model=MODEL, messages=spoken(part))
        assert done.usage.prompt_tokens_details.audio_tokens in (44, 45)


@pytest.mark.proves("x-request-id, openai-processing-ms")
async def test_the_async_client_and_raw_headers(server: ScriptedServer) -> None:
    async with AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none") as client:
        raw = await client.chat.completions.with_raw_response.create(
            model=MODEL, modalities=BOTH, audio=VOICE, messages=spoken()
        )
        assert raw.headers["x-request-id"].startswith("req_")
        assert int(raw.headers["openai-processing-ms"]) >= 0
        assert "sound;dur=" in raw.headers["server-timing"]
        stream = await client.chat.completions.create(model=MODEL, messages=spoken(), stream=True)
        assert "".join([chunk.choices[0].delta.content or "" async for chunk in stream]) == ANSWER


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_hangs_up_frees_the_thinker(make_server: MakeServer, stream: bool) -> None:
    thinker = ScriptedThinker(" ".join(["word"] * 1000), delay_s=0.01)
    server = make_server(thinker=thinker)
    body = {"model": MODEL, "messages": spoken(), "stream": stream}
    with httpx.Client() as client:
        if stream:
            with client.stream("POST", f"{server.url}/v1/chat/completions", json=body) as response:
                lines = response.iter_lines()  # held: when it is collected, the connection is closed
                next(line for line in lines if "word" in line and "heard" not in line)
                assert thinker.busy == 1
        else:
            with pytest.raises(httpx.ReadTimeout):
                client.post(f"{server.url}/v1/chat/completions", json=body, timeout=httpx.Timeout(5, read=0.3))
    deadline_s = time.monotonic() + 2
    while thinker.busy:
        assert time.monotonic() < deadline_s, "the thinker goes on for nobody"
        time.sleep(0.02)


@pytest.mark.proves("GET /health")
def test_models_are_listed_and_health_is_told(server: ScriptedServer) -> None:
    names = [model.id for model in server.client.models.list()]
    assert MODEL in names
    assert "gpt-audio-mini" in names
    assert server.client.models.retrieve(MODEL).owned_by == "vivavoce"
    assert server.http.get("/health").json() == {"status": "ready", "worker": os.getpid()}


def test_health_is_503_until_warm(make_server: MakeServer) -> None:
    server = make_server()
    server.service.ready = lambda: (False, "loading")
    answer = server.http.get("/health")
    assert (answer.status_code, answer.json()) == (503, {"status": "loading", "worker": os.getpid()})
