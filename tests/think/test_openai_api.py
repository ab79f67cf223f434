"""The remote thinker against a scripted server: what goes out, what comes back, and every way to fail."""

from __future__ import annotations

import base64
import io
import socket
import wave
from contextlib import aclosing

import numpy as np
import pytest
from scripted_server import ScriptedServer, chunk, events, response, scripted

from vivavoce.audio import Audio
from vivavoce.conversation import AudioPart, Message, Sampling, TextPart, Tool, ToolCall, Tools
from vivavoce.errors import ContextLengthExceeded, EngineFailed, TooBusy, UpstreamFailed, VivaError
from vivavoce.think.base import CallDelta, TextDelta, ThoughtEnd
from vivavoce.think.openai_api import OpenAIThinker

CHAT = "/v1/chat/completions"
ASK = (Message.of("user", "Hello?"),)
USAGE = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9, "prompt_tokens_details": {"cached_tokens": 3}}
LAST = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [], "usage": USAGE}


async def ask(
    server: ScriptedServer | str,
    conversation: tuple[Message, ...] = ASK,
    sampling: Sampling | None = None,
    *,
    key: str | None = "sk-secret",
    hears_audio: bool = False,
    timeout_s: float = 5.0,
) -> list[TextDelta | ThoughtEnd]:
    url = server if isinstance(server, str) else server.base_url
    thinker = OpenAIThinker(url, key, "some-model", hears_audio=hears_audio, timeout_s=timeout_s)
    try:
        return [event async for event in thinker.think(conversation, sampling or Sampling())]
    finally:
        await thinker.close()


async def failure(answer: bytes, **more: object) -> VivaError:
    async with scripted({CHAT: answer}) as server:
        with pytest.raises(VivaError) as caught:
            await ask(server, **more)  # type: ignore[arg-type]
        return caught.value


async def test_streams_and_takes_usage_from_the_last_chunk() -> None:
    async with scripted({CHAT: events(chunk(""), chunk("Hel"), chunk("lo."), chunk(finish="stop"), LAST)}) as server:
        got = await ask(server)
    assert got == [TextDelta("Hel"), TextDelta("lo."), ThoughtEnd("stop", 7, 2, 3)]


async def test_sends_what_was_asked_and_leaves_the_rest_to_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-elsewhere")
    sampling = Sampling(temperature=0.0, seed=5, stop=("END",), max_tokens=9)
    async with scripted({CHAT: events(chunk("x", "length"), LAST)}) as server:
        got = await ask(server, (Message.of("system", "Be brief."), *ASK), sampling)
    _, headers, body = server.requests[0]
    assert body == {
        "model": "some-model",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello?"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.0,
        "seed": 5,
        "stop": ["END"],
        "max_tokens": 9,
    }
    assert headers["authorization"] == "Bearer sk-secret"
    assert "openai-organization" not in headers
    assert isinstance(got[-1], ThoughtEnd)
    assert got[-1].finish_reason == "length"


async def test_without_a_key_none_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-meant-for-elsewhere")
    async with scripted({CHAT: events(chunk("x", "stop"), LAST)}) as server:
        await ask(server, key=None)
    assert "sk-meant-for-elsewhere" not in str(server.requests)


async def test_without_usage_counts_with_the_servers_tokenizer() -> None:
    answers = {
        CHAT: events(chunk("Hello there", "stop"), done=False),
        "/tokenize": response(200, {"tokens": [1, 2, 3]}),
    }
    async with scripted(answers) as server:
        assert (await ask(server))[-1] == ThoughtEnd("stop", 3, 3)


async def test_without_usage_and_tokenizer_estimates_from_bytes_and_asks_once() -> None:
    async with scripted({CHAT: events(chunk("Grüße", "stop"))}) as server:
        assert (await ask(server))[-1] == ThoughtEnd("stop", 2, 2)  # "Hello?" is 6 bytes, "Grüße" 7
    assert [path for path, _, _ in server.requests] == [CHAT, "/tokenize"]


@pytest.mark.parametrize("body", [{"tokens": [4, 5]}, {"count": 2, "max_model_len": 99}], ids=["llama-server", "vllm"])
async def test_counts_tokens_through_either_kind_of_tokenizer(body: dict[str, object]) -> None:
    async with scripted({"/tokenize": response(200, body)}) as server:
        thinker = OpenAIThinker(server.base_url, None, "m")
        assert await thinker.count_tokens("two words") == 2
        await thinker.close()


async def test_a_server_that_is_away_does_not_cost_the_tokenizer_for_good() -> None:
    async with scripted({"/tokenize": response(503, {})}) as server:
        thinker = OpenAIThinker(server.base_url, None, "m")
        assert await thinker.count_tokens("two words") is None
        server.answers["/tokenize"] = response(200, {"count": 2})
        assert await thinker.count_tokens("two words") == 2
        await thinker.close()


async def test_a_hearing_model_is_sent_the_sound_as_wav() -> None:
    sound = Audio(np.linspace(-0.5, 0.5, 160, dtype=np.float32), 16_000)
    message = Message("user", (TextPart("What is this?"), AudioPart(sound)))
    async with scripted({CHAT: events(chunk("x", "stop"), LAST)}) as server:
        await ask(server, (message,), hears_audio=True)
    text, audio = server.requests[0][2]["messages"][0]["content"]
    assert text == {"type": "text", "text": "What is this?"}
    assert audio["input_audio"]["format"] == "wav"
    with wave.open(io.BytesIO(base64.b64decode(audio["input_audio"]["data"]))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        assert file.readframes(160) == sound.to_pcm16()


async def test_a_model_that_does_not_hear_is_never_handed_silence_instead() -> None:
    message = Message("user", (AudioPart(Audio.silence(0.1, 16_000)),))
    with pytest.raises(EngineFailed, match="does not hear"):
        await ask("http://127.0.0.1:1/v1", (message,))


async def test_closing_early_hangs_up() -> None:
    async with scripted({CHAT: events(chunk("and so on"), done=False)}, linger_s=5) as server:
        thinker = OpenAIThinker(server.base_url, None, "m")
        async with aclosing(thinker.think(ASK)) as stream:
            assert await anext(stream) == TextDelta("and so on")
            assert not server.hung_up.is_set()
        await server.hung_up.wait()
        await thinker.close()


def _error(status: int, **fields: object) -> bytes:
    return response(status, {"error": {"message": "Upstream says sk-secret no.", **fields}})


@pytest.mark.parametrize(
    ("answer", "expected", "words"),
    [
        (_error(401), UpstreamFailed, "refused our key"),
        (_error(403), UpstreamFailed, "refused our key"),
        (_error(404), UpstreamFailed, "refused the request (404): Upstream says"),
        (_error(422), UpstreamFailed, "(422)"),
        (_error(400), UpstreamFailed, "(400)"),
        (_error(400, code="context_length_exceeded"), ContextLengthExceeded, "too long"),
        (_error(400, type="exceed_context_size_error", code=400), ContextLengthExceeded, "too long"),
        (_error(400, param="input_tokens", type="BadRequestError"), ContextLengthExceeded, "too long"),
        (_error(500), UpstreamFailed, "status 500"),
        (_error(503), UpstreamFailed, "status 503"),
        (_error(429, code="insufficient_quota"), UpstreamFailed, "(429)"),
        (events(chunk("Hel"), {"error": {"message": "lost"}}), UpstreamFailed, "middle of its answer: lost"),
        (events({"error": {"message": "m", "type": "exceed_context_size_error"}}), ContextLengthExceeded, "too long"),
        (events(chunk("Hel"), done=False), UpstreamFailed, "broke off"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: {oops\n\n", UpstreamFailed, "broke"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\ndata:", UpstreamFailed, "broke"),
        (b"garbage\r\n\r\n", UpstreamFailed, "cannot be reached"),
    ],
)
async def test_every_failure_is_one_of_ours(answer: bytes, expected: type[VivaError], words: str) -> None:
    error = await failure(answer)
    assert type(error) is expected
    assert words in error.message
    assert "sk-secret" not in error.message


async def test_busy_upstream_says_when_to_come_back() -> None:
    error = await failure(response(429, {"error": {"message": "slow down"}}, Retry_After="7"))
    assert isinstance(error, TooBusy)
    assert error.retry_after_s == 7.0
    error = await failure(response(429, {}, Retry_After="Wed, 21 Oct 2026 07:28:00 GMT"))
    assert isinstance(error, TooBusy)
    assert error.retry_after_s == 1.0


async def test_nobody_there_names_host_and_cure() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(UpstreamFailed, match=f"127.0.0.1:{port} cannot be reached; check"):
            await ask(f"http://user:pass@127.0.0.1:{port}/v1")


async def test_a_silent_server_is_given_up() -> None:
    async with scripted({CHAT: b"HTTP/1.1 200 OK\r\n"}, linger_s=5) as server:
        with pytest.raises(UpstreamFailed, match=r"said nothing for 0\.2 s"):
            await ask(server, timeout_s=0.2)


async def test_a_server_that_falls_silent_in_mid_answer_is_given_up() -> None:
    async with scripted({CHAT: events(chunk("and"), done=False)}, linger_s=5) as server:
        with pytest.raises(UpstreamFailed):
            await ask(server, timeout_s=0.2)


def call_chunk(index: int, call_id: str | None = None, name: str | None = None, arguments: str = "") -> object:
    function = {"arguments": arguments} if name is None else {"name": name, "arguments": arguments}
    piece = {"index": index, "function": function} | ({} if call_id is None else {"id": call_id, "type": "function"})
    choice = {"index": 0, "delta": {"tool_calls": [piece]}, "finish_reason": None}
    return {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice]}


CALLS = [CallDelta(0, "", "f"), CallDelta(0, '{"a"'), CallDelta(0, ": 1}"), CallDelta(1, "{}", "g")]


@pytest.mark.parametrize(
    "chunks",
    [
        [call_chunk(0, "x", "f"), call_chunk(0, None, None, '{"a"'), call_chunk(0, None, None, ": 1}"),
         call_chunk(1, "y", "g", "{}")],
        [call_chunk(0, "x", "f"), call_chunk(0, "x", "f", '{"a"'), call_chunk(0, "x", None, ": 1}"),
         call_chunk(0, "y", "g", "{}")],
        [call_chunk(3, "x", "f"), call_chunk(3, None, None, '{"a"'), call_chunk(3, None, None, ": 1}"),
         call_chunk(5, "y", "g", "{}")],
    ],
    ids=["as OpenAI sends them", "names again, one index for all", "numbers of its own"],
)  # fmt: skip
async def test_calls_are_read_however_a_server_numbers_them(chunks: list[object]) -> None:
    async with scripted({CHAT: events(*chunks, chunk(finish="tool_calls"), LAST)}) as server:
        got = await ask(server, ASK, Sampling(tools=Tools((Tool("f"), Tool("g")))))
    assert got[:-1] == CALLS
    assert got[-1].finish_reason == "stop"


async def test_a_call_without_a_name_is_the_servers_fault() -> None:
    async with scripted({CHAT: events(call_chunk(0, "x", None, "{}"), LAST)}) as server:
        with pytest.raises(UpstreamFailed, match="without naming"):
            await ask(server, ASK, Sampling(tools=Tools((Tool("f"),))))


SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
SENT = [
    {"type": "function", "function": {"name": "f", "description": "Does f.", "parameters": SCHEMA, "strict": True}},
    {"type": "function", "function": {"name": "g"}},
]
OFFERED = (Tool("f", "Does f.", SCHEMA, strict=True), Tool("g"))


@pytest.mark.parametrize(
    ("tools", "sent"),
    [
        (Tools(OFFERED), {"tools": SENT, "tool_choice": "auto"}),
        (Tools(OFFERED, parallel=False), {"tools": SENT, "tool_choice": "auto", "parallel_tool_calls": False}),
        (Tools(OFFERED, "none"), {"tools": SENT, "tool_choice": "none"}),
        (Tools(OFFERED, "auto", ("g",)), {"tools": SENT[1:], "tool_choice": "auto"}),
        (
            Tools(OFFERED, "required", ("g",), parallel=False),
            {"tools": SENT[1:], "tool_choice": "required", "parallel_tool_calls": False},
        ),
    ],
)
async def test_tools_are_handed_on(tools: Tools, sent: dict[str, object]) -> None:
    async with scripted({CHAT: events(chunk("x", "stop"), LAST)}) as server:
        await ask(server, ASK, Sampling(tools=tools))
    body = server.requests[0][2]
    assert {name: body.get(name) for name in sent} == sent
    assert ("parallel_tool_calls" in body) == ("parallel_tool_calls" in sent)


async def test_calls_and_results_are_handed_on_as_they_are() -> None:
    calls = (ToolCall("c1", "f", '{"a": 1}'), ToolCall("c2", "g", ""))
    conversation = (
        *ASK,
        Message("assistant", (), calls),
        Message("tool", (TextPart("one"),), call_id="c1"),
        Message("tool", (), call_id="c2"),
    )
    async with scripted({CHAT: events(chunk("x", "stop"), LAST)}) as server:
        await ask(server, conversation)
    assert server.requests[0][2]["messages"][1:] == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}},
                {"id": "c2", "type": "function", "function": {"name": "g", "arguments": ""}},
            ],
        },
        {"role": "tool", "content": "one", "tool_call_id": "c1"},
        {"role": "tool", "content": "", "tool_call_id": "c2"},
    ]
