"""The log, for people and for programs: request ids and figures in it, and never the text of an exception."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from vivavoce.logs import REQUEST_ID, LogFormat, configure_logging


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("vivavoce")
    before = (root.handlers[:], root.level, ours.level)
    yield
    root.handlers[:], root.level, ours.level = before


def logged(log_format: LogFormat) -> str:
    configure_logging("debug", log_format)
    sink = io.StringIO()
    (handler,) = logging.getLogger().handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(sink)
    log = logging.getLogger("vivavoce.server.test")
    token = REQUEST_ID.set("req_1")
    try:
        raise ValueError("aardvarks were mentioned")
    except ValueError:
        log.exception("it broke", extra={"status": 500, "took_ms": 12.345, "transcript": "aardvarks again"})
    finally:
        REQUEST_ID.reset(token)
    log.info("later")
    return sink.getvalue()


def test_a_line_has_the_id_the_figures_and_the_place() -> None:
    first, second = logged("line").splitlines()
    assert "error   server.test  it broke req_1 status=500 took_ms=12.3 [ValueError at test_logs.py:" in first
    assert second.endswith("info    server.test  later")


def test_json_is_one_object_per_event() -> None:
    first, second = map(json.loads, logged("json").splitlines())
    assert first.pop("time").endswith("+00:00")
    (place,) = first.pop("error")["at"]
    assert place.startswith("test_logs.py:")
    assert first == {
        "level": "error",
        "logger": "server.test",
        "message": "it broke",
        "request_id": "req_1",
        "status": 500,
        "took_ms": 12.3,
    }
    assert "request_id" not in second


@pytest.mark.parametrize("log_format", ["line", "json"])
def test_no_text_of_an_exception_and_no_unknown_detail_is_written(log_format: LogFormat) -> None:
    assert "aardvark" not in logged(log_format)
