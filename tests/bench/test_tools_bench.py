"""`viva bench tools`: what counts as right, and that what is asked and shown is what was measured."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import jsonschema_rs
import numpy as np
import pytest
from rich.console import Console

from vivavoce.audio import Audio
from vivavoce.bench.exchange import Calling, Exchange
from vivavoce.bench.playback import Playback
from vivavoce.bench.tool_requests import MadeCall, ToolRequest, judge, offered_tools, tool_requests
from vivavoce.bench.tools import ToolsReport, compare_first_sounds, put_requests
from vivavoce.bench.tools_console import tools_tables
from vivavoce.server.tools import read_tools
from vivavoce.server.wire.chat_request import ChatRequest
from vivavoce.think.tool_grammar import tool_grammar

SOUND = Audio(np.zeros(1600, np.float32), 16_000)
TEXT = ToolRequest("Text Anna that I am late.", "send_message", {"recipient": ["Anna"], "text": ["I am late", "late"]})
NONE = ToolRequest("Why?", None, {})


def made(name: str, **arguments: object) -> MadeCall:
    return MadeCall(name, json.dumps(arguments))


def test_there_are_forty_requests_five_for_each_of_eight_tools_and_eight_without() -> None:
    names = [tool["function"]["name"] for tool in offered_tools()]
    assert len(names) == 8
    counts = {name: sum(request.tool == name for request in tool_requests()) for name in names}
    assert set(counts.values()) == {5}
    assert sum(request.tool is None for request in tool_requests()) == 8
    assert len({request.text for request in tool_requests()}) == 48


def test_every_right_answer_is_one_that_its_schema_allows() -> None:
    schemas = {tool["function"]["name"]: tool["function"]["parameters"] for tool in offered_tools()}
    for request in tool_requests():
        if request.tool is not None:
            arguments = {name: values[0] for name, values in request.arguments.items()}
            assert jsonschema_rs.is_valid(schemas[request.tool], arguments), request
            verdict = judge(request, [made(request.tool, **arguments)])
            assert (verdict.tool, verdict.arguments, verdict.valid) == (True, True, True)


def test_the_tools_can_be_held_to() -> None:
    body = ChatRequest.model_validate({
        "model": "m", "messages": [{"role": "user", "content": "x"}], "tools": list(offered_tools()),
    })  # fmt: skip
    tools = read_tools(body)
    assert tools is not None
    assert tool_grammar(tools)


@pytest.mark.parametrize(
    ("request_", "calls", "verdict"),
    [
        (TEXT, [made("send_message", recipient="anna", text="I am late.")], (True, True, True)),
        (TEXT, [made("send_message", recipient="Anna", text="I am so late")], (True, False, True)),
        (TEXT, [made("send_message", recipient="Anna")], (True, False, False)),
        (TEXT, [made("send_message", recipient="Anna", text="late", tone="kind")], (True, False, False)),
        (TEXT, [made("play_music", artist="Anna")], (False, False, True)),
        (TEXT, [MadeCall("send_message", '{"recipient": ')], (True, False, False)),
        (TEXT, [made("send_message", recipient="Anna", text="late")] * 2, (False, False, True)),
        (TEXT, [made("nothing")], (False, False, False)),
        (TEXT, [], (False, False, True)),
        (NONE, [], (True, True, True)),
        (NONE, [made("set_timer", minutes=5)], (False, False, True)),
        (NONE, [made("set_timer", minutes=0)], (False, False, False)),
        (NONE, [made("set_timer", minutes=True)], (False, False, False)),
        (NONE, [made("switch_light", room="attic", on=True)], (False, False, False)),
    ],
)
def test_what_is_right(request_: ToolRequest, calls: list[MadeCall], verdict: tuple[bool, bool, bool]) -> None:
    found = judge(request_, calls)
    assert (found.tool, found.arguments, found.valid) == verdict


def all_right(put: str | bytes, tools: Sequence[Mapping[str, Any]]) -> Calling:
    """Answers typed requests rightly, spoken ones never."""
    request = next((request for request in tool_requests() if request.text == put), None)
    if request is None or request.tool is None:
        return Calling((), "Well.", "something else" if request is None else None)
    return Calling((made(request.tool, **{name: values[0] for name, values in request.arguments.items()}),), "", None)


def exchange(first_sound_s: float | None) -> Exchange:
    return Exchange(None, None, 1.0, Playback(first_sound_s, 1.0, 0, 0.0), "", 300)


def test_requests_are_put_typed_and_spoken_and_the_tables_say_what_came_of_it() -> None:
    trials = put_requests(all_right, [SOUND] * 48, 0)
    sounds = iter([9.0, 9.0, 1.0, 1.2, 1.3, 1.1, 1.0, None])
    asked: list[bool] = []

    def ask(_: bytes, tools: Sequence[Mapping[str, Any]]) -> Exchange:
        asked.append(bool(tools))
        return exchange(next(sounds))

    first_sounds = compare_first_sounds(ask, [SOUND] * 4, 0)
    assert asked == [True, False, False, True, True, False, False, True]
    assert (first_sounds.without_s, first_sounds.with_s, first_sounds.called) == ((1.0, 1.1), (1.2, 1.3), 1)
    report = ToolsReport("2026-01-01", "a machine", 2, "m", {}, 0, tuple(trials), first_sounds)
    console = Console(width=200, record=True, file=io.StringIO())
    for table in tools_tables(report):
        console.print(table)
    text = console.export_text()
    assert "40 of 40" in text
    assert "0 of 40" in text
    assert "1.19" in text
