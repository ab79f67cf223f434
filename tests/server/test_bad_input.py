"""Whatever comes in, a clear error in the OpenAI envelope goes out; never a bare 500, never a hang."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import httpx
import pytest
from scripted_app import MakeServer, ScriptedServer, audio_part, spoken, wav_bytes

from vivavoce.testing import ScriptedThinker

MODEL = "gpt-4o-mini-audio-preview"
HI = [{"role": "user", "content": "hi"}]
DATA = "messages[0].content[0].input_audio.data"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
VOICE = {"voice": "alloy", "format": "wav"}
SPOKEN = {"modalities": ["text", "audio"], "audio": VOICE}


def post(server: ScriptedServer, body: object) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return server.http.post("/v1/chat/completions", content=content)


def asking(**fields: object) -> dict[str, object]:
    return {"model": MODEL, "messages": HI, **fields}


def hearing(data: bytes | str) -> dict[str, object]:
    return asking(messages=spoken(audio_part(data)))


def without_samples() -> bytes:
    return wav_bytes(0)


CASES: list[tuple[str, Any, int, str | None, str | None, str]] = [
    # what, body, status, code, param, part of the message
    ("no json", b"{", 400, "invalid_json", None, "could not parse"),
    ("empty body", b"", 400, "invalid_json", None, "could not parse"),
    ("not utf-8", b'{"a": "\xff"}', 400, "invalid_json", None, "could not parse"),
    ("json, but a list", b"[]", 400, "invalid_json", None, "must be an object"),
    ("nested without end", b"[" * 200_000, 400, "invalid_json", None, "could not parse"),
    (
        "members without end",
        {"model": MODEL, "messages": HI, **{f"x{number}": 1 for number in range(10_000)}},
        400,
        "object_above_max_properties",
        None,
        "10000 members",
    ),
    ("not a number", b'{"model": NaN}', 400, "invalid_json", None, "could not parse"),
    ("no model", {"messages": HI}, 400, "missing_required_parameter", "model", "'model'"),
    ("no messages", {"model": MODEL}, 400, "missing_required_parameter", "messages", "'messages'"),
    ("empty messages", asking(messages=[]), 400, "invalid_value", "messages", "at least 1"),
    ("unknown model", asking(model="gpt-5"), 404, "model_not_found", "model", "GET /v1/models"),
    ("model is a number", asking(model=5), 400, "invalid_type", "model", "string"),
    ("unknown field", asking(voice="alloy"), 400, "unknown_parameter", "voice", "Unknown parameter: 'voice'."),
    (
        "unknown nested field",
        asking(audio={**VOICE, "pitch": 2}),
        400,
        "unknown_parameter",
        "audio.pitch",
        "Unknown parameter: 'audio.pitch'.",
    ),
    (
        "unknown role",
        asking(messages=[{"role": "boss", "content": "hi"}]),
        400,
        "invalid_value",
        "messages[0].role",
        "boss",
    ),
    ("no role", asking(messages=[{"content": "hi"}]), 400, "missing_required_parameter", "messages[0].role", "role"),
    ("no content", asking(messages=[{"role": "user"}]), 400, "missing_required_parameter", "messages[0].content", ""),
    (
        "empty parts",
        asking(messages=[{"role": "user", "content": []}]),
        400,
        "invalid_value",
        "messages[0].content",
        "",
    ),
    (
        "a picture",
        asking(messages=spoken({"type": "image_url", "image_url": {"url": "http://127.0.0.1/x.png"}})),
        400,
        "invalid_value",
        "messages[0].content[0].type",
        "image_url",
    ),
    (
        "audio in a system message",
        asking(messages=[{"role": "system", "content": [audio_part("x")]}]),
        400,
        "invalid_value",
        "messages[0].content[0].type",
        "",
    ),
    (
        "no audio data",
        asking(messages=spoken({"type": "input_audio", "input_audio": {"format": "wav"}})),
        400,
        "missing_required_parameter",
        DATA,
        "",
    ),
    ("bad base64", hearing("§§§"), 400, "invalid_value", DATA, "base64"),
    ("base64 cut short", hearing("abcde"), 400, "invalid_value", DATA, "base64"),
    ("empty data", hearing(""), 400, "unsupported_format", DATA, "empty"),
    ("a png called wav", hearing(PNG), 400, "unsupported_format", DATA, ""),
    ("text called wav", hearing(b"hello, I am no sound at all" * 20), 400, "unsupported_format", DATA, ""),
    ("wav without samples", hearing(without_samples()), 400, "unsupported_format", DATA, "no samples"),
    ("half a wav header", hearing(wav_bytes()[:20]), 400, "unsupported_format", DATA, ""),
    ("a playlist", hearing(b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n"), 400, "unsupported_format", DATA, ""),
    ("a concat script", hearing(b"ffconcat version 1.0\nfile '/etc/passwd'\n"), 400, "unsupported_format", DATA, ""),
    ("sound without audio", asking(modalities=["text", "audio"]), 400, "missing_required_parameter", "audio", "voice"),
    ("unknown modality", asking(modalities=["video"]), 400, "invalid_value", "modalities[0]", "'text' or 'audio'"),
    ("no modality", asking(modalities=[]), 400, "invalid_value", "modalities", ""),
    (
        "unknown voice",
        asking(modalities=["audio"], audio={"voice": "gandalf", "format": "wav"}),
        400,
        "invalid_value",
        "audio.voice",
        "'alloy'",
    ),
    (
        "unknown format",
        asking(modalities=["audio"], audio={"voice": "alloy", "format": "midi"}),
        400,
        "invalid_value",
        "audio.format",
        "'wav'",
    ),
    (
        "no format",
        asking(modalities=["audio"], audio={"voice": "alloy"}),
        400,
        "missing_required_parameter",
        "audio.format",
        "",
    ),
    ("hot", asking(temperature=2.5), 400, "invalid_value", "temperature", "less than or equal to 2"),
    ("temperature in words", asking(temperature="warm"), 400, "invalid_type", "temperature", "number"),
    ("too many stops", asking(stop=list("abcde")), 400, "invalid_value", "stop", "4"),
    ("an empty stop", asking(stop=[""]), 400, "invalid_value", "stop[0]", ""),
    ("zero tokens", asking(max_tokens=0), 400, "invalid_value", "max_tokens", ""),
    ("several spoken answers", asking(n=2, **SPOKEN), 400, "unsupported_value", "n", "only one choice"),
    ("no answer at all", asking(n=0), 400, "invalid_value", "n", ""),
    ("far too many answers", asking(n=129), 400, "invalid_value", "n", "128"),
    ("a penalty out of range", asking(frequency_penalty=2.1), 400, "invalid_value", "frequency_penalty", "2"),
    ("the other penalty", asking(presence_penalty=-3), 400, "invalid_value", "presence_penalty", "-2"),
    ("a bias for a word", asking(logit_bias={"sea": -100}), 400, "invalid_value", "logit_bias", "POST /tokenize"),
    ("a bias of -101", asking(logit_bias={"50": -101}), 400, "invalid_value", "logit_bias", "-100 to 100"),
    ("a bias in words", asking(logit_bias={"50": "much"}), 400, "invalid_value", "logit_bias", "number"),
    ("biases in a list", asking(logit_bias=[[50, 1]]), 400, "invalid_type", "logit_bias", ""),
    ("too many likely tokens", asking(logprobs=True, top_logprobs=21), 400, "invalid_value", "top_logprobs", "20"),
    ("likely tokens alone", asking(top_logprobs=2), 400, None, "top_logprobs", "'logprobs' is enabled"),
    ("stream options alone", asking(stream_options={}), 400, None, "stream_options", "'stream' is enabled"),
    (
        "unknown stream option",
        asking(stream=True, stream_options={"speed": 1}),
        400,
        "unknown_parameter",
        "stream_options.speed",
        "",
    ),
    ("unknown form", asking(response_format={"type": "xml"}), 400, "invalid_value", "response_format.type", "xml"),
    ("a form of no type", asking(response_format={}), 400, "missing_required_parameter", "response_format.type", ""),
    (
        "a form with more",
        asking(response_format={"type": "json_object", "properties": {}}),
        400,
        "unknown_parameter",
        "response_format.properties",
        "",
    ),
    (
        "a schema without a name",
        asking(response_format={"type": "json_schema", "json_schema": {"schema": {}}}),
        400,
        "missing_required_parameter",
        "response_format.json_schema.name",
        "",
    ),
    (
        "a schema in words",
        asking(response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": "a number"}}),
        400,
        "invalid_type",
        "response_format.json_schema.schema",
        "",
    ),
    (
        "a schema that cannot be kept to",
        asking(response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": {"not": {}}}}),
        400,
        "invalid_value",
        "response_format.json_schema.schema",
        "'not'",
    ),
    ("a tool forced, none given", asking(tool_choice="required"), 400, None, "tool_choice", "'tools'"),
    ("metadata of numbers", asking(metadata={"a": 1}), 400, "invalid_type", "metadata.a", "string"),
    (
        "too much metadata",
        asking(metadata=dict.fromkeys("abcdefghijklmnopq", "")),
        400,
        "invalid_value",
        "metadata",
        "",
    ),
    ("a long metadata name", asking(metadata={"x" * 65: ""}), 400, "invalid_value", "metadata", "64"),
    ("a long metadata value", asking(metadata={"a": "x" * 513}), 400, "invalid_value", "metadata.a", "512"),
    ("a long identifier", asking(safety_identifier="x" * 65), 400, "invalid_value", "safety_identifier", "64"),
    ("an unknown tier", asking(service_tier="gold"), 400, "invalid_value", "service_tier", "'priority'"),
    (
        "far too fast",
        asking(audio={**VOICE, "speed": 5}),
        400,
        "invalid_value",
        "audio.speed",
        "4",
    ),
]


@pytest.mark.proves("error envelope", "unknown", "unsupported_format", "content: image_url, file part")
@pytest.mark.parametrize(
    ("body", "status", "code", "param", "said"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_bad_requests_are_told_what_is_wrong(
    server: ScriptedServer, body: object, status: int, code: str | None, param: str | None, said: str
) -> None:
    answer = post(server, body)
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (answer.status_code, error["code"], error["param"]) == (status, code, param), error
    assert said in error["message"]
    assert error["type"] == "invalid_request_error"
    assert "x-should-retry" not in answer.headers
    assert answer.headers["x-request-id"].startswith("req_")


def test_nothing_is_thought_about_bad_requests(make_server: MakeServer) -> None:
    server = make_server()
    for case in CASES:
        post(server, case[1])
    assert server.engines.thinker.asked == []


HALF = "\ud83d"
"""Half of an emoji, as a text cut at a number of UTF-16 units may end."""


@pytest.mark.parametrize(
    ("changes", "status", "param"),
    [
        ({"messages": [{"role": "user", "content": f"hi {HALF}"}]}, 200, None),
        ({"model": HALF}, 404, "model"),
        ({"messages": [{"role": "assistant", "audio": {"id": HALF}}]}, 400, "messages[0].audio.id"),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "a", "schema": {"type": "object", "properties": {HALF: {"not": {}}}}},
                }
            },
            400,
            "response_format.json_schema.schema",
        ),
    ],
    ids=["words", "model", "id", "schema"],
)
def test_half_a_character_is_no_fault_of_ours(
    make_server: MakeServer, changes: dict[str, object], status: int, param: str | None
) -> None:
    thinker = ScriptedThinker()
    answer = post(make_server(thinker=thinker), {"model": MODEL, "messages": HI} | changes)
    assert answer.status_code == status
    if status == 200:
        assert thinker.asked[0][0].text == "hi ?", "and it can cross to the engine process"
    else:
        assert answer.json()["error"]["param"] == param


def test_a_number_that_is_none_is_refused(make_server: MakeServer) -> None:
    schema = b'{"type":"json_schema","json_schema":{"name":"a","schema":{"enum":[1e999]}}}'
    body = b'{"model":"%s","messages":[],"response_format":%s}' % (MODEL.encode(), schema)
    answer = post(make_server(), body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_json")


@pytest.mark.proves("error envelope")
def test_unknown_paths_and_methods_wear_the_envelope(server: ScriptedServer) -> None:
    wrong = server.http.get("/v1/chat/complations")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (404, "not_found")
    method = server.http.put("/v1/chat/completions")
    assert (method.status_code, method.json()["error"]["code"]) == (405, "method_not_allowed")
    assert server.http.get("/v1/models/nope").json()["error"]["code"] == "model_not_found"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("OPTIONS", "/v1/audio/replies/audio_0123456789abcdef"),
        ("GET", "/v1/audio/replies/audio_0123456789abcdef/"),
        ("GET", "/audio/replies/audio_0123456789abcdef%0a12:00:00 forged"),
    ],
    ids=["preflight", "slash", "forged"],
)
def test_no_path_brings_an_id_or_a_line_of_its_own_into_the_log(
    make_server: MakeServer, caplog: pytest.LogCaptureFixture, method: str, path: str
) -> None:
    asked = {"origin": "http://localhost:3000", "access-control-request-method": "DELETE"}
    lines: list[str] = []
    with caplog.at_level("INFO", logger="vivavoce"):
        make_server().http.request(method, path, headers=asked)
        deadline_s = time.monotonic() + 5
        while not lines and time.monotonic() < deadline_s:  # it is written after the answer is sent
            time.sleep(0.01)
            lines = [record.getMessage() for record in caplog.records if record.name == "vivavoce.server.middleware"]
    (line,) = lines
    assert line.startswith(method)
    assert "/audio/replies/{id}" in line
    assert "0123456789abcdef" not in line
    assert "\n" not in line
