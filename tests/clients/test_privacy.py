"""Voices stay here: no way out is needed, none is tried, nothing readable is left, and what expires is gone."""

from __future__ import annotations

import base64
import os
import re
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from openai import OpenAI
from real_servers import VIVA, serving
from sockets import STRACE, reached, traced

import vivavoce
from vivavoce.codec.decode import decode

pytestmark = pytest.mark.real

NO_NETWORK = os.environ.get("VIVA_TEST_NO_NETWORK") == "1"
REPORTS_COME_S = 15
"""A library we use reported to its maker some ten seconds after it had loaded a model, until we stopped it."""

needs_strace = pytest.mark.skipif(STRACE is None, reason="needs strace (Debian: apt install strace)")


def spoken_turn(client: OpenAI, question: Path, **more: object) -> object:
    data = base64.b64encode(question.read_bytes()).decode()
    recording = {"type": "input_audio", "input_audio": {"data": data, "format": "mp3"}}
    return client.chat.completions.create(
        model="gpt-4o-mini-audio-preview",
        modalities=["text", "audio"],
        audio={"voice": "alloy", "format": "pcm16"},
        messages=[{"role": "user", "content": [recording]}],
        max_completion_tokens=300,
        **more,
    )


@pytest.mark.skipif(not NO_NETWORK, reason="not run by tools/without_network.py, so there is a network here")
def test_these_tests_run_without_any_way_out() -> None:
    with pytest.raises(OSError, match="unreachable"):
        socket.create_connection(("192.0.2.1", 443), timeout=2)
    with pytest.raises(OSError, match=r"unreachable|not supported|assign"):
        socket.create_connection(("2001:db8::1", 443), timeout=2)
    routes = Path("/proc/net/route").read_text().splitlines()[1:]
    assert [route for route in routes if not route.startswith("lo")] == []


@needs_strace
def test_the_offline_server_reaches_for_nothing_but_this_machine(tmp_path: Path, question: Path) -> None:
    log = tmp_path / "sockets"
    with serving(traced(VIVA, log), VIVA_PROFILE="tiny", VIVA_WORKERS="2") as server:
        spoken_turn(server.client, question)
        assert httpx.get(f"{server.url}/v1/models").status_code == 200
        time.sleep(REPORTS_COME_S)
    seen = list(reached(log))
    assert {"bind", "connect"} <= {reach.call for reach in seen}, "the witness saw nothing"
    assert [reach for reach in seen if reach.leaves_the_machine] == []


@needs_strace
def test_offline_commands_reach_for_nothing_at_all(tmp_path: Path, question: Path) -> None:
    environment = os.environ | {"VIVA_OFFLINE": "1", "VIVA_PROFILE": "tiny", "VIVA_MODELS_DIR": str(tmp_path / "none")}
    for number, command in enumerate((["models", "pull"], ["models", "list"])):
        log = tmp_path / f"sockets-{number}"
        subprocess.run(traced([*VIVA, *command], log), env=environment, capture_output=True, timeout=60)
        assert [reach for reach in reached(log) if reach.leaves_the_machine] == []


@needs_strace
def test_the_witness_sees_what_leaves(tmp_path: Path) -> None:
    log = tmp_path / "sockets"
    out = "import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.connect_ex(('192.0.2.1', 9))"
    subprocess.run(traced(["python3", "-c", out], log), check=False, timeout=60)
    assert [reach.address for reach in reached(log) if reach.leaves_the_machine] == ["192.0.2.1"]


OUR_WORDS = {
    word.lower()
    for file in Path(vivavoce.__file__).parent.rglob("*.py")
    for word in re.findall(r"[A-Za-z]{5,}", file.read_text(encoding="utf-8"))
}
"""What our own log lines may say, whatever was said to us."""


def needles_of(*texts: str) -> set[str]:
    """Words that are there neither by chance nor because a line of ours has them, and three words in a row."""
    words = {word for text in texts for word in re.findall(r"[A-Za-z]{5,}", text)}
    runs = {" ".join(found) for text in texts for found in _threes(text.split())}
    return {word for word in words if word.lower() not in OUR_WORDS} | runs


def _threes(words: list[str]) -> Iterator[tuple[str, ...]]:
    return zip(words, words[1:], words[2:], strict=False)


def leaks(folder: Path, needles: list[bytes]) -> list[tuple[str, bytes]]:
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert files, "nothing was kept at all"
    return [(file.name, needle) for file in files for needle in needles if needle in file.read_bytes()]


def test_log_and_ledger_hold_no_speech_and_no_key(question: Path) -> None:
    key = "sk-a-key-that-nobody-else-has"
    with serving(VIVA_PROFILE="tiny", VIVA_LOG_LEVEL="debug") as server:
        client = OpenAI(base_url=f"{server.url}/v1", api_key=key, max_retries=0, timeout=120)
        message = spoken_turn(client, question).choices[0].message
        client.close()
        sound = base64.b64decode(message.audio.data)
        heard = message.heard[0]["transcript"]
        recording = decode(question.read_bytes()).to_pcm16()
        words = needles_of(message.audio.transcript, heard)
        assert len(words) > 3, "too little was said to look for"
        needles = [*(word.encode() for word in words), key.encode(), message.audio.id.encode()]
        middle = len(sound) // 2, len(recording) // 2
        needles += [sound[middle[0] : middle[0] + 64], recording[middle[1] : middle[1] + 64]]
        needles += [needle.decode().encode("utf-16-le") for needle in needles[: len(words)]]
        assert leaks(server.data, needles) == []
        assert leaks(server.log.parent, [*needles[: len(words) + 2]]) == []


def test_what_expires_is_gone(question: Path) -> None:
    with serving(VIVA_PROFILE="tiny", VIVA_REPLY_TTL_S="6") as server:
        spoken_turn(server.client, question)
        assert rows(server.data) == 2, "a reply and what was heard"
        written = [file.read_bytes()[12:76] for file in (server.data / "sounds").iterdir()]
        assert written
        deadline_s = time.monotonic() + 30
        while rows(server.data) and time.monotonic() < deadline_s:
            time.sleep(0.2)
        assert rows(server.data) == 0
        assert list((server.data / "sounds").iterdir()) == []
        assert leaks(server.data, written) == []


def rows(folder: Path) -> int:
    with closing(sqlite3.connect(f"file:{folder / 'ledger.sqlite'}?mode=ro", uri=True)) as ledger:
        return ledger.execute("SELECT count(*) FROM sealed").fetchone()[0]
