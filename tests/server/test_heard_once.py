"""A recording is listened to once, whatever happens to it afterwards: next turns, several requests, a restart."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor

from openai import OpenAI
from scripted_app import ANSWER, MakeServer, ScriptedServer, audio_part, wav_bytes

from vivavoce.server.service import Limits
from vivavoce.testing import ScriptedListener

MODEL = "gpt-4o-mini-audio-preview"


def said(seconds: float) -> dict[str, object]:
    return {"role": "user", "content": [audio_part(wav_bytes(seconds))]}


def ask(client: OpenAI, *messages: dict[str, object]) -> list[dict[str, object]]:
    """What was heard in a conversation."""
    done = client.chat.completions.create(model=MODEL, messages=list(messages))
    return done.choices[0].message.heard


def times_heard(server: ScriptedServer) -> int:
    return len(server.engines.listener.heard)


def test_a_conversation_listens_to_each_recording_once(make_server: MakeServer) -> None:
    server = make_server()
    messages: list[dict[str, object]] = []
    heard: list[dict[str, object]] = []
    for turn in range(4):
        messages.append(said(1.0 + turn))
        before, heard = heard, ask(server.client, *messages)
        assert times_heard(server) == turn + 1
        assert heard[:-1] == before
        assert heard[-1]["duration"] == 1.0 + turn
        messages.append({"role": "assistant", "content": ANSWER})


def test_the_same_recording_twice_in_one_request_is_heard_once(make_server: MakeServer) -> None:
    server = make_server()
    both = {"role": "user", "content": [audio_part(wav_bytes(1)), audio_part(wav_bytes(1))]}
    assert len(ask(server.client, both)) == 2
    assert times_heard(server) == 1


def test_requests_at_once_listen_once(make_server: MakeServer) -> None:
    server = make_server(listener=ScriptedListener(delay_s=0.3))
    with ThreadPoolExecutor(4) as pool:
        heard = list(pool.map(lambda _: ask(server.client, said(1)), range(4)))
    assert all(one == heard[0] for one in heard)
    assert times_heard(server) == 1


def test_another_owner_listens_for_himself(make_server: MakeServer) -> None:
    server = make_server()
    ask(server.client, said(1))
    with OpenAI(base_url=f"{server.url}/v1", api_key="somebody-else", max_retries=0) as other:
        ask(other, said(1))
    assert times_heard(server) == 2


def test_a_restart_need_not_listen_again(make_server: MakeServer) -> None:
    heard = ask(make_server().client, said(1))
    second = make_server(listener=ScriptedListener("something else entirely"))
    assert ask(second.client, said(1)) == heard
    assert times_heard(second) == 0


def test_what_was_heard_expires_like_the_ids(make_server: MakeServer) -> None:
    server = make_server(limits=Limits(reply_ttl_s=1))
    ask(server.client, said(1))
    time.sleep(1.1)
    ask(server.client, said(1))
    assert times_heard(server) == 2


def test_what_was_heard_before_costs_no_time(make_server: MakeServer) -> None:
    server = make_server(listener=ScriptedListener(delay_s=1.0))
    heard_ms: list[float] = []
    for _ in range(2):
        done = server.client.chat.completions.with_raw_response.create(model=MODEL, messages=[said(1)])
        heard_ms.append(float(re.search(r"heard;dur=([\d.]+)", done.headers["server-timing"])[1]))
    assert heard_ms[0] >= 1000
    assert heard_ms[1] < 500
