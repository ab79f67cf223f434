"""Targets by options and by a file: what is wrong is one sentence, and no key is ever in a file."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from vivavoce.errors import InvalidValue
from vivavoce.probe.grid import Grid
from vivavoce.probe.targets import NO_KEY, read_targets, span, target

TWO = """
every = "1m"
timeout = "20s"

[[target]]
name = "home"
base_url = "http://127.0.0.1:8080/v1/"

[[target]]
base_url = "https://api.example.com/v1"
model = "gpt-audio-mini"
every = "1h"
offset = "90m"
key_env = "EXAMPLE_KEY"
budget_per_day = 0.1
budget_per_month = "2.50"
expect = "blue"
"""


def test_a_file_of_targets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "probe.toml").write_text(TWO)
    home, there = read_targets(tmp_path / "probe.toml")
    assert (home.title, home.base_url, home.every, home.timeout) == ("home", "http://127.0.0.1:8080/v1", 60, 20)
    assert home.model == "gpt-4o-mini-audio-preview"
    assert home.key() == NO_KEY, "no target gets a key that was not meant for it"
    assert (there.title, there.every) == ("api.example.com", 3600)
    assert there.grid() == Grid(3600, 1800)
    assert (there.budget_per_day, there.budget_per_month) == (Decimal("0.1"), Decimal("2.50"))
    with pytest.raises(InvalidValue, match=r"api\.example\.com.*EXAMPLE_KEY, which is not set"):
        there.key()
    monkeypatch.setenv("EXAMPLE_KEY", "sk-1")
    assert there.key() == "sk-1"


def test_times_of_its_own_and_those_of_cron() -> None:
    one = target({"base_url": "http://127.0.0.1/v1", "every": "5m", "name": "one"})
    own = one.grid()
    assert own is not None
    assert own == one.grid()
    assert one.grid(of_cron=True) == Grid(300, 0)
    assert target({"base_url": "http://127.0.0.1/v1"}).grid() is None


def test_the_key_goes_to_the_speech_endpoint_only_where_it_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINE", "sk-1")
    monkeypatch.setenv("THEIRS", "sk-2")
    same = {"base_url": "https://api.example.com/v1", "key_env": "MINE"}
    assert target(same | {"speech_url": "https://api.example.com/v1"}).speech_key() == "sk-1"
    assert target(same | {"speech_url": "https://voices.example.com/v1"}).speech_key() == NO_KEY
    other = {"speech_url": "https://voices.example.com/v1", "speech_key_env": "THEIRS"}
    assert target(same | other).speech_key() == "sk-2"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({}, "base_url"),
        ({"base_url": "ftp://host/v1"}, "base_url"),
        ({"base_url": "https://user:secret@host/v1"}, "key_env"),
        ({"base_url": "https://host/v1?api_key=secret"}, "key_env"),
        ({"base_url": "https://[host/v1"}, "URL"),
        ({"api_key": "secret"}, "keep the key out of files"),
        ({"weather": 1}, "no such setting"),
        ({"every": "4s"}, "every"),
        ({"every": "8d"}, "every"),
        ({"every": "often"}, "every"),
        ({"every": -300}, "every"),
        ({"timeout": "0s"}, "timeout"),
        ({"budget_per_day": -1}, "budget_per_day"),
        ({"budget_per_day": "nan"}, "budget_per_day"),
        ({"budget_per_month": "plenty"}, "budget_per_month"),
        ({"expect": "(blue"}, "pattern"),
        ({"name": "a\nb"}, "name"),
        ({"model": ""}, "model"),
    ],
)
def test_what_is_wrong_is_named(told: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidValue, match=said) as caught:
        target(({"base_url": "http://127.0.0.1/v1"} if told else {}) | told)
    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "names no target"),
        ("target = 3", "names no target"),
        ("[target]\nbase_url = 'http://a/v1'", "names no target"),
        ("[[target]", "cannot be read"),
        ("[[target]]\nbase_url = 'http://a/v1'\n[[target]]\nmodel = 'm'", "target 2: base_url"),
        ("[[target]]\nbase_url = 'http://a/v1'\n[[target]]\nbase_url = 'http://a/v1'", "several targets are called a"),
    ],
)
def test_a_file_that_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "probe.toml").write_text(text)
    with pytest.raises(InvalidValue, match=said):
        read_targets(tmp_path / "probe.toml")
    with pytest.raises(InvalidValue, match="cannot be read"):
        read_targets(tmp_path / "none.toml")


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("5m", 300), ("24h", 86_400), ("90d", 7_776_000)])
def test_spans(text: str, seconds: int) -> None:
    assert span(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "m", "-5m", "5 m", "1.5h", "0s", "5M", "9999999d"])
def test_no_spans(text: str) -> None:
    with pytest.raises(InvalidValue, match="no span of time"):
        span(text)
