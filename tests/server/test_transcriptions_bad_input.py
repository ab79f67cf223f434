"""Bad forms to the listening routes: every field, every way a form can be broken; a clear 4xx each."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scripted_app import MakeServer, ScriptedServer, wav_bytes

from vivavoce.errors import VivaError
from vivavoce.server.forms import MOST_PARTS, TEXT_BYTES, fields_of, parts_of
from vivavoce.server.service import Limits
from vivavoce.server.wire.transcription_request import TranscriptionRequest

ROUTES = ("/v1/audio/transcriptions", "/v1/audio/translations")
BOTH, FIRST = ROUTES, ROUTES[:1]
WAV = wav_bytes(0.5)

BAD: list[tuple[str, tuple[str, ...], dict[str, object], int, str, str | None, str]] = [
    ("no model", BOTH, {"model": None}, 400, "missing_required_parameter", "model", "'model'"),
    ("no file", BOTH, {"file": None}, 400, "missing_required_parameter", "file", "'file'"),
    ("empty file", BOTH, {"file": b""}, 400, "unsupported_format", "file", "empty"),
    ("no sound", BOTH, {"file": b"hello"}, 400, "unsupported_format", "file", "mp3"),
    ("unknown model", BOTH, {"model": "whisper-9"}, 404, "model_not_found", "model", "whisper-1"),
    ("a chat model", BOTH, {"model": "gpt-audio"}, 404, "model_not_found", "model", "GET /v1/models"),
    ("a voice's model", BOTH, {"model": "tts-1"}, 404, "model_not_found", "model", "GET /v1/models"),
    ("unknown format", BOTH, {"response_format": "docx"}, 400, "invalid_value", "response_format", "'srt'"),
    ("no diarizer", FIRST, {"response_format": "diarized_json"}, 400, "unsupported_value", "response_format", "off"),
    ("no diarizer", FIRST, {"response_format": "rttm"}, 400, "unsupported_value", "response_format", "off"),
    ("speakers", ROUTES[1:], {"response_format": "diarized_json"}, 400, "invalid_value", "response_format", "'srt'"),
    ("names", FIRST, {"known_speaker_names[]": "Ann"}, 400, "unsupported_value", "known_speaker_names", "diarized"),
    (
        "clips",
        FIRST,
        {"known_speaker_references[]": "data:audio/wav;base64,AAAA"},
        400,
        "unsupported_value",
        "known_speaker_references",
        "diarized",
    ),
    ("channels", FIRST, {"channels": "speakers"}, 400, "unsupported_value", "channels", "diarized"),
    ("what channels", FIRST, {"channels": "left"}, 400, "invalid_value", "channels", "'mix'"),
    (
        "a name without a clip",
        FIRST,
        {"response_format": "diarized_json", "known_speaker_names[]": ["Ann"]},
        400,
        "invalid_value",
        "known_speaker_references",
        "1 names and 0 clips",
    ),
    (
        "five speakers",
        FIRST,
        {"response_format": "diarized_json", "known_speaker_names[]": list("ABCDE")},
        400,
        "invalid_value",
        "known_speaker_names",
        "4",
    ),
    (
        "a blank name",
        FIRST,
        {"response_format": "rttm", "known_speaker_names[]": [" "], "known_speaker_references[]": ["data:,"]},
        400,
        "invalid_value",
        "known_speaker_names",
        "blank",
    ),
    (
        "one channel",
        FIRST,
        {"response_format": "diarized_json", "channels": "speakers"},
        400,
        "invalid_value",
        "channels",
        "1 channel",
    ),
    ("hot", BOTH, {"temperature": "1.1"}, 400, "invalid_value", "temperature", "1"),
    ("cold", BOTH, {"temperature": "-0.1"}, 400, "invalid_value", "temperature", "0"),
    ("no number", BOTH, {"temperature": "warm"}, 400, "invalid_type", "temperature", "number"),
    ("not a number", BOTH, {"temperature": "nan"}, 400, "invalid_value", "temperature", "'temperature'"),
    ("no language", FIRST, {"language": "xx"}, 400, "invalid_value", "language", "ISO 639-1"),
    ("no language", FIRST, {"language": "quenya"}, 400, "invalid_value", "language", "ISO 639-1"),
    ("endless language", FIRST, {"language": "x" * 65}, 400, "invalid_value", "language", "64"),
    ("no language", FIRST, {"languages[]": ["en", "xx"]}, 400, "invalid_value", "languages[1]", "ISO 639-1"),
    ("both", FIRST, {"language": "en", "languages[]": "de"}, 400, "invalid_value", "languages", "either"),
    ("many languages", FIRST, {"languages[]": ["en"] * 101}, 400, "invalid_value", "languages", "100"),
    ("many keywords", FIRST, {"keywords[]": ["x"] * 901 + ["y"] * 90}, 200, "", None, ""),
    ("long keyword", FIRST, {"keywords[]": ["ok", "x" * 201]}, 400, "invalid_value", "keywords[1]", "200"),
    ("include what", FIRST, {"include[]": "tokens"}, 400, "invalid_value", "include[0]", "'logprobs'"),
    (
        "logprobs of subtitles",
        FIRST,
        {"include[]": "logprobs", "response_format": "srt"},
        400,
        "unsupported_value",
        "include",
        "'json'",
    ),
    (
        "times of what",
        FIRST,
        {"timestamp_granularities[]": "char", "response_format": "verbose_json"},
        400,
        "invalid_value",
        "timestamp_granularities[0]",
        "'word'",
    ),
    (
        "times in json",
        FIRST,
        {"timestamp_granularities[]": "word"},
        400,
        "unsupported_value",
        "timestamp_granularities",
        "verbose_json",
    ),
    ("chunking", FIRST, {"chunking_strategy": "big"}, 400, "invalid_value", "chunking_strategy", "'server_vad'"),
    ("chunking", FIRST, {"chunking_strategy": "{"}, 400, "invalid_type", "chunking_strategy", "'chunking_strategy'"),
    (
        "chunking without type",
        FIRST,
        {"chunking_strategy": '{"threshold": 0.5}'},
        400,
        "missing_required_parameter",
        "chunking_strategy.type",
        "chunking_strategy",
    ),
    (
        "threshold",
        FIRST,
        {"chunking_strategy[type]": "server_vad", "chunking_strategy[threshold]": "2"},
        400,
        "invalid_value",
        "chunking_strategy.threshold",
        "1",
    ),
    (
        "silence",
        FIRST,
        {"chunking_strategy[type]": "server_vad", "chunking_strategy[silence_duration_ms]": "-1"},
        400,
        "invalid_value",
        "chunking_strategy.silence_duration_ms",
        "0",
    ),
    (
        "padding",
        FIRST,
        {"chunking_strategy[type]": "server_vad", "chunking_strategy[prefix_padding_ms]": "a while"},
        400,
        "invalid_type",
        "chunking_strategy.prefix_padding_ms",
        "integer",
    ),
    (
        "unknown key",
        FIRST,
        {"chunking_strategy[type]": "server_vad", "chunking_strategy[eager]": "1"},
        400,
        "unknown_parameter",
        "chunking_strategy.eager",
        "Unknown",
    ),
    ("stream perhaps", FIRST, {"stream": "perhaps"}, 400, "invalid_type", "stream", "boolean"),
    (
        "stream of subtitles",
        FIRST,
        {"stream": "true", "response_format": "vtt"},
        400,
        "unsupported_value",
        "response_format",
        "'stream'",
    ),
    ("twice", BOTH, {"model": ["whisper-1", "whisper-1"]}, 400, "invalid_value", "model", "more than once"),
    ("twice a key", FIRST, {"chunking_strategy[type]": ["auto", "auto"]}, 400, "invalid_value", None, "more than once"),
    ("unknown field", BOTH, {"mood": "good"}, 400, "unknown_parameter", "mood", "Unknown parameter: 'mood'."),
    ("not for translations", ROUTES[1:], {"language": "de"}, 400, "unknown_parameter", "language", "'language'"),
    ("not for translations", ROUTES[1:], {"stream": "true"}, 400, "unknown_parameter", "stream", "'stream'"),
    ("too much text", BOTH, {"prompt": "x" * (TEXT_BYTES + 1)}, 400, "string_above_max_length", "prompt", "bytes"),
]
CASES = [(route, *row[2:]) for row in BAD for route in row[1]]
IDS = [f"{route.rsplit('/')[-1]}, {row[0]}" for row in BAD for route in row[1]]


@pytest.mark.parametrize(("route", "fields", "status", "code", "param", "said"), CASES, ids=IDS)
def test_bad_fields_are_told(
    server: ScriptedServer, route: str, fields: dict[str, Any], status: int, code: str, param: str | None, said: str
) -> None:
    form: dict[str, Any] = {"model": "whisper-1", "file": WAV} | fields
    file = form.pop("file")
    form = {name: value for name, value in form.items() if value is not None}
    files = {"file": ("a.wav", file)} if file is not None else {"prompt": (None, b"")}
    answer = server.http.post(route, data=form, files=files)
    assert answer.status_code == status, answer.text
    if status != 200:
        error = answer.json()["error"]
        assert (error["code"], param is None or error["param"] == param) == (code, True), error
        assert said in error["message"]


HEAD = b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n'
KIND = "multipart/form-data; boundary=b"

BROKEN: list[tuple[str, str | None, bytes, str]] = [
    ("JSON", "application/json", b'{"model": "whisper-1"}', "invalid_content_type"),
    ("no type", None, HEAD + b"--b--\r\n", "invalid_content_type"),
    ("a plain form", "application/x-www-form-urlencoded", b"model=whisper-1", "invalid_content_type"),
    ("no boundary", "multipart/form-data", HEAD + b"--b--\r\n", "invalid_content_type"),
    ("an endless boundary", f"multipart/form-data; boundary={'b' * 2000}", HEAD, "invalid_multipart"),
    ("another boundary", "multipart/form-data; boundary=c", HEAD + b"--b--\r\n", "invalid_multipart"),
    ("nothing", KIND, b"", "invalid_multipart"),
    ("cut off", KIND, HEAD, "invalid_multipart"),
    ("cut off in a header", KIND, HEAD[:20], "invalid_multipart"),
    ("no name", KIND, HEAD.replace(b'; name="model"', b"") + b"--b--\r\n", "invalid_multipart"),
    ("no disposition", KIND, b"--b\r\nX-Y: z\r\n\r\nwhisper-1\r\n--b--\r\n", "invalid_multipart"),
    ("no UTF-8", KIND, HEAD.replace(b"whisper-1", b"\xff\xfe") + b"--b--\r\n", "invalid_value"),
    ("many parts", KIND, HEAD * (MOST_PARTS + 1) + b"--b--\r\n", "invalid_multipart"),
    ("no file", KIND, HEAD + b"--b--\r\n", "missing_required_parameter"),
]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(("kind", "body", "code"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_broken_forms_are_told(server: ScriptedServer, route: str, kind: str | None, body: bytes, code: str) -> None:
    headers = {} if kind is None else {"content-type": kind}
    answer = server.http.post(route, content=body, headers=headers)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["code"] == code


def test_a_form_over_the_limit_is_413(make_server: MakeServer) -> None:
    server = make_server(limits=Limits(body_bytes=4096))
    for route in ROUTES:
        answer = server.http.post(route, data={"model": "whisper-1"}, files={"file": WAV})
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "payload_too_large")


@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    pieces=st.lists(
        st.sampled_from(
            [b"--b", b"--b--", b"\r\n", b"\n", b"\r", b": ", b";", b'name="file"', b"Content-Disposition: form-data; "]
        )
        | st.binary(max_size=8),
        max_size=24,
    ),
    after=st.sampled_from([b"", HEAD]),
)
def test_any_bytes_are_parts_or_a_clear_error(pieces: list[bytes], after: bytes) -> None:
    try:
        fields_of(parts_of(after + b"".join(pieces), b"b"), TranscriptionRequest)
    except VivaError as error:
        assert error.status == 400


def test_files_keep_every_byte_and_lists_their_order() -> None:
    sound = bytes(range(256)) * 300 + b"\r\n--bb\r\n--"
    request = httpx.Request(
        "POST",
        "http://x/",
        data={"keywords[]": ["b", "a"], "keywords[0]": "c", "keywords": "ä"},
        files={"file": ("é.wav", sound, "audio/wav")},
    )
    boundary = request.headers["content-type"].partition("boundary=")[2].encode()
    fields = fields_of(parts_of(request.read(), boundary), TranscriptionRequest)
    assert fields == {"file": sound, "keywords": ["b", "a", "c", "ä"]}


@pytest.mark.proves("strict refusals")
def test_strict_refuses_what_the_original_did(make_server: MakeServer) -> None:
    server = make_server()
    server.service.strict = True
    for fields, param in (
        ({"model": "gpt-4o-transcribe", "response_format": "verbose_json"}, "response_format"),
        ({"model": "gpt-4o-transcribe-diarize", "prompt": "x", "chunking_strategy": "auto"}, "prompt"),
        ({"model": "gpt-4o-transcribe-diarize"}, "chunking_strategy"),
    ):
        answer = server.http.post(ROUTES[0], data=fields, files={"file": WAV})
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    answer = server.http.post(ROUTES[0], data={"model": "whisper-1"}, files={"file": b"no sound"})
    assert answer.json()["error"]["message"].startswith("Invalid file format. Supported formats: ['flac', 'm4a', ")
    fine = {"model": "whisper-1", "response_format": "verbose_json"}
    assert server.http.post(ROUTES[0], data=fine, files={"file": WAV}).status_code == 200
