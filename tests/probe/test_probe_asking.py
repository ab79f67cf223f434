"""What is found of endpoints that answer well, wrongly, late, in part, or not at all."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import ssl
from collections.abc import Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from scripted_app import MakeServer

from vivavoce.audio import Audio
from vivavoce.errors import InvalidValue
from vivavoce.probe.asking import Asker, Finding
from vivavoce.probe.machine import SystemClock, has_route
from vivavoce.probe.question import MADE, Question, played
from vivavoce.testing import ScriptedListener, ScriptedSpeaker, ScriptedThinker

TONE = (8000 * np.sin(np.arange(2400) / 5)).astype("<i2").tobytes()
MODEL = "gpt-4o-mini-audio-preview"
QUESTION = Question(Audio(np.zeros(16_000, np.float32), 16_000))


def event(delta: dict[str, object], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def sound(data: bytes = TONE) -> bytes:
    return event({"audio": {"id": "a", "data": base64.b64encode(data).decode()}})


WORDS = event({"role": "assistant", "audio": {"id": "a", "transcript": "Blue."}})
END = event({}, "stop")
DONE = b"data: [DONE]\n\n"
ERROR = b'data: {"error": {"message": "You said: secret", "type": "server_error", "code": "engine_lost"}}\n\n'
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-request-id: req_7\r\nconnection: close\r\n\r\n"
FOR_EVER = "for ever"
COMMENTS = "comments for ever"


def status(line: str, body: object) -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = (
        f"HTTP/1.1 {line}\r\ncontent-type: application/json\r\ncontent-length: {len(data)}\r\nx-request-id: req_8\r\n"
    )
    return head.encode() + b"connection: close\r\n\r\n" + data


@asynccontextmanager
async def serving(*said: bytes | str):
    """An endpoint that takes each request, says this, and hangs up. Yields its base URL and the requests so far."""
    requests: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(next(line for line in head.lower().split(b"\r\n") if b"content-length" in line).split()[1])
            requests.append(head + await reader.readexactly(length))
            for piece in said:
                while piece == COMMENTS:
                    writer.write(b": still here\n\n")
                    await writer.drain()
                    await asyncio.sleep(0.02)
                if piece == FOR_EVER:
                    await reader.read()
                elif isinstance(piece, bytes):
                    writer.write(piece)
                    await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", requests
    finally:
        server.close()


async def found(url: str, *, timeout_s: float = 20.0, expect: str = "", model: str = "m") -> Finding:
    asker = Asker(url, "none", model, voice="alloy", timeout_s=timeout_s, system="Be short.", expect=expect)
    try:
        return await asker.ask(QUESTION.wav(7))
    finally:
        await asker.close()


def problem(code: str | None, kind: str | None = None) -> dict[str, object]:
    return {"error": {"message": "what you said was: secret", "type": kind, "param": None, "code": code}}


@pytest.mark.parametrize(
    ("said", "outcome", "number", "code"),
    [
        ([HEAD, WORDS, sound(), END, DONE], "ok", 200, None),
        ([HEAD, sound(), END, DONE], "ok", 200, None),
        ([HEAD, WORDS, END, DONE], "wrong", 200, "no_sound"),
        ([HEAD, END, DONE], "wrong", 200, "empty"),
        ([HEAD, DONE], "wrong", 200, "empty"),
        ([HEAD], "wrong", 200, "empty"),
        ([HEAD, WORDS, sound(bytes(4800)), END, DONE], "wrong", 200, "silent"),
        ([HEAD, WORDS, sound(), DONE], "wrong", 200, "broken_off"),
        ([HEAD, WORDS, sound(TONE[:-1]), END, DONE], "wrong", 200, "bad_shape"),
        ([HEAD, WORDS, event({"audio": {"data": "!!!"}}), END, DONE], "wrong", 200, "bad_shape"),
        ([HEAD, b"data: {hello\n\n"], "wrong", 200, "bad_shape"),
        ([HEAD, b"data: 7\n\n"], "wrong", 200, "bad_shape"),
        ([HEAD, b'data: {"choices": null}\n\n'], "wrong", 200, "bad_shape"),
        ([HEAD, b'data: {"choices": [{"delta": null}]}\n\n'], "wrong", 200, "bad_shape"),
        ([HEAD, WORDS, ERROR], "error", 200, "engine_lost"),
        ([status("200 OK", b"<html>Welcome</html>")], "wrong", 200, "empty"),
        ([status("401 Unauthorized", problem("invalid_api_key"))], "refused", 401, "invalid_api_key"),
        ([status("404 Not Found", problem("model_not_found"))], "refused", 404, "model_not_found"),
        ([status("429 Too Many Requests", problem("rate_limit_exceeded"))], "refused", 429, "rate_limit_exceeded"),
        ([status("400 Bad Request", problem(None, "invalid_request_error"))], "refused", 400, "invalid_request_error"),
        ([status("400 Bad Request", problem("you said: secret"))], "refused", 400, None),
        ([status("500 Internal Server Error", problem(None))], "error", 500, None),
        ([status("503 Service Unavailable", b"<html>overloaded</html>")], "error", 503, None),
        ([HEAD.replace(b"connection: close", b"content-length: 9999"), WORDS], "error", 200, "broken_off"),
        ([b""], "no_connection", None, "connection_failed"),
        ([b"SSH-2.0-OpenSSH_9.2\r\n"], "no_connection", None, "connection_failed"),
    ],
)
async def test_what_is_found(said: Sequence[bytes], outcome: str, number: int | None, code: str | None) -> None:
    async with serving(*said) as (url, requests):
        finding = await found(url)
    assert (finding.outcome, finding.status, finding.code) == (outcome, number, code)
    assert len(requests) == 1, "nothing is tried again"
    assert "secret" not in str(finding)
    if number is not None:
        assert finding.request_id == ("req_7" if said[0].startswith(HEAD[:50]) else "req_8")
    if outcome == "ok":
        assert finding.sound_s == 0.1
        assert 0 < (finding.first_sound_s or 0) <= finding.end_s


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ([FOR_EVER], "no_answer"),
        ([HEAD, FOR_EVER], "no_sound"),
        ([HEAD, WORDS, FOR_EVER], "no_sound"),
        ([HEAD, WORDS, COMMENTS], "no_sound"),
        ([HEAD, WORDS, sound(), FOR_EVER], "no_end"),
    ],
)
async def test_whoever_hangs_is_given_up_in_time(said: Sequence[bytes | str], code: str) -> None:
    async with serving(*said) as (url, requests):
        finding = await found(url, timeout_s=0.5)
    assert (finding.outcome, finding.code) == ("timeout", code)
    assert 0.5 <= finding.end_s < 3
    assert len(requests) == 1
    assert (finding.first_sound_s is None) == (code != "no_end")
    assert finding.reached


async def test_times_are_those_of_the_first_word_and_the_first_sound() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD)
        for pause_s, piece in ((0.1, WORDS), (0.1, sound()), (0.1, sound()), (0.0, END + DONE)):
            await asyncio.sleep(pause_s)
            writer.write(piece)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    finding = await found(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
    server.close()
    assert finding.outcome == "ok"
    assert finding.first_text_s is not None
    assert finding.first_sound_s is not None
    pauses = (finding.first_text_s, finding.first_sound_s - finding.first_text_s, finding.end_s - finding.first_sound_s)
    assert all(pause_s > 0.09 for pause_s in pauses), pauses
    assert finding.end_s < 3, "ten times what it takes"


async def test_an_answer_can_be_expected_to_say_something() -> None:
    async with serving(HEAD, WORDS, sound(), END, DONE) as (url, _):
        assert (await found(url, expect="blue|azure")).outcome == "ok"
        finding = await found(url, expect=r"\bgreen\b")
    assert (finding.outcome, finding.code) == ("wrong", "not_expected")


async def test_no_server_no_name_no_certificate() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/v1"
        finding = await found(url)
    assert (finding.outcome, finding.code, finding.status) == ("no_connection", "connection_refused", None)
    assert not finding.reached
    finding = await found("http://nobody.invalid/v1")
    assert finding.outcome == "no_connection"
    assert finding.code in ("name_not_known", "name_lookup_failed")

    async def plainly(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.com\r\n")
        writer.close()

    server = await asyncio.start_server(plainly, "127.0.0.1", 0)
    finding = await found(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
    server.close()
    assert (finding.outcome, finding.code) == ("no_connection", "tls")


def self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
    certificate = builder.sign(key, hashes.SHA256())
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "pem").write_bytes(pem + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "pem")
    return context


async def test_a_certificate_that_nobody_knows(tmp_path: Path) -> None:
    async def never(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(never, "127.0.0.1", 0, ssl=self_signed(tmp_path))
    finding = await found(f"https://localhost:{server.sockets[0].getsockname()[1]}/v1")
    server.close()
    assert (finding.outcome, finding.code) == ("no_connection", "certificate")


async def test_each_question_has_a_connection_and_a_sound_of_its_own() -> None:
    async with serving(HEAD, WORDS, sound(), END, DONE) as (url, requests):
        asker = Asker(url, "sk-secret", "m", voice="nova", timeout_s=20, system="Be short.")
        for due in (60, 120):
            assert (await asker.ask(QUESTION.wav(due))).outcome == "ok"
        await asker.close()
    heads, bodies = zip(*(request.split(b"\r\n\r\n", 1) for request in requests), strict=True)
    assert all(b"connection: close" in head.lower() for head in heads)
    assert all(b"authorization: bearer sk-secret" in head.lower() for head in heads)
    first, second = (json.loads(body) for body in bodies)
    recordings = [body["messages"][-1]["content"][0].pop("input_audio")["data"] for body in (first, second)]
    assert recordings[0] != recordings[1], "a server that remembers recordings must listen again"
    assert first == second
    assert (first["stream"], first["audio"]) == (True, {"voice": "nova", "format": "pcm16"})


def test_what_differs_between_two_questions_nobody_hears() -> None:
    tone = Question(Audio((0.1 * np.sin(np.arange(16_000) / 9)).astype(np.float32), 16_000))
    samples = [np.frombuffer(tone.wav(due)[44:], "<i2").astype(int) for due in (60, 60, 120)]
    assert np.array_equal(samples[0], samples[1])
    assert 0 < np.abs(samples[0] - samples[2]).max() <= 3, "three steps of 32,768"


@pytest.mark.parametrize("name", sorted(MADE))
def test_there_are_sounds_without_a_voice(name: str, tmp_path: Path) -> None:
    assert played(name, tmp_path).duration_s == MADE[name]
    with pytest.raises(InvalidValue, match=r"no recording hum\.wav.*beeps"):
        played("hum.wav", tmp_path)


async def test_our_own_server_is_well_and_tells_what_it_used(make_server: MakeServer) -> None:
    server = make_server(answer="Blue.")
    finding = await found(f"{server.url}/v1", model=MODEL)
    assert (finding.outcome, finding.code) == ("ok", None)
    assert finding.usage is not None
    assert finding.usage.input_audio_tokens == 10
    assert finding.usage.output_audio_tokens > 0
    assert (finding.request_id or "").startswith("req_")
    finding = await found(f"{server.url}/v1", model=MODEL, expect="green")
    assert finding.code == "not_expected"


async def test_our_own_server_listens_to_each_probe_though_it_remembers_recordings(make_server: MakeServer) -> None:
    listener = ScriptedListener("what colour is the sky")
    url = f"{make_server(listener=listener).url}/v1"
    tone = Question(Audio((0.1 * np.sin(np.arange(16_000) / 9)).astype(np.float32), 16_000))
    asker = Asker(url, "none", MODEL, voice="alloy", timeout_s=20, system="Be short.")
    for due, times in ((60, 1), (60, 1), (120, 2), (180, 3)):
        assert (await asker.ask(tone.wav(due))).outcome == "ok"
        assert len(listener.heard) == times
    await asker.close()


async def test_our_own_server_when_a_stage_fails(make_server: MakeServer) -> None:
    class Broken(ScriptedSpeaker):
        async def speak(self, text: str, voice: str, speed: float = 1.0) -> Audio:
            raise RuntimeError("a fault")

    finding = await found(f"{make_server(speaker=Broken()).url}/v1", model=MODEL)
    assert finding.outcome == "error"
    assert finding.first_sound_s is None
    finding = await found(
        f"{make_server(thinker=ScriptedThinker('Blue.', delay_s=9)).url}/v1", model=MODEL, timeout_s=0.3
    )
    assert (finding.outcome, finding.first_text_s) == ("timeout", None)


def test_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SystemClock()
    assert clock.now() > 1_700_000_000
    assert clock.steady() <= clock.steady()
    assert clock.slept() >= 0
    assert isinstance(has_route(), bool)
    monkeypatch.setattr("vivavoce.probe.machine.ELSEWHERE", ())
    assert not has_route()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
