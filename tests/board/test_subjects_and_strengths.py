"""Whom pages are about, and what is claimed of them: by a rule, with figure, interval and n, or not at all."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from invented_runs import NOW, write_run

from vivavoce.board.facts import all_facts, facts_of
from vivavoce.board.judged import Judged
from vivavoce.board.library import Library
from vivavoce.board.model_page import model_view
from vivavoce.board.money import Money
from vivavoce.board.observatory import Observatory, Snapshot
from vivavoce.board.questions import questions
from vivavoce.board.strengths import bars, claims
from vivavoce.board.subjects import Subject, slug
from vivavoce.exam.catalogue import TASKS
from vivavoce.exam.metrics import LEAST_FOR_BOUNDS
from vivavoce.prices.book import load_book
from vivavoce.server.models import ALIASES, HEARING_NAMES, SPEECH_NAMES

ELSEWHERE = "https://api.invented.example/v1"
TODAY = date(2026, 11, 25)


def snapshot(folder: Path) -> Snapshot:
    return Observatory(Library(folder), load_book(), now=lambda: NOW).snapshot()


def test_our_weights_under_the_originals_name_are_not_the_original(tmp_path: Path) -> None:
    write_run(tmp_path / "run.jsonl", "gpt-4o-mini-audio-preview", exams=("safety",), items=6)
    found = {each.slug: each for each in snapshot(tmp_path).subjects}
    original = found["gpt-4o-mini-audio-preview"]
    assert original.runs == ()
    [own] = [each for each in found.values() if each.runs]
    assert own.name == "gpt-4o-mini-audio-preview (self-hosted)"
    assert own.near
    assert own.facts is None
    assert own.model == "", "a price of the original's is none of ours"


def test_a_model_elsewhere_is_what_its_maker_says(tmp_path: Path) -> None:
    write_run(tmp_path / "a.jsonl", "gpt-audio-mini", model="gpt-audio-mini", base_url=ELSEWHERE, exams=("safety",))
    write_run(tmp_path / "b.jsonl", "eu", model="gpt-audio-mini-2025-12-15", base_url=ELSEWHERE, exams=("safety",))
    found = {each.name: each for each in snapshot(tmp_path).subjects}
    assert found["gpt-audio-mini"].facts == facts_of("gpt-audio-mini")
    assert len(found["gpt-audio-mini"].runs) == 1
    assert found["eu"].facts == facts_of("gpt-audio-mini")


def test_every_name_has_an_address_of_its_own() -> None:
    names = [
        "viva-default",
        "Viva-Default",
        "a/b",
        "a b",
        "a-b",
        "x" * 200,
        "x" * 201,
        "<script>",
        "مرحبا",
        "",
        "..",
        ".",
        "\ud800",
    ]
    slugs = [slug(name) for name in names]
    assert len(set(slugs)) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", each) for each in slugs)
    assert all(each.strip(".") for each in slugs)
    assert slug("gpt-audio-1.5") == "gpt-audio-1.5"


def test_facts_agree_with_what_the_server_says() -> None:
    for name, shut in {**ALIASES, **SPEECH_NAMES, **HEARING_NAMES}.items():
        facts = facts_of(name)
        if facts is not None and facts.name == name:
            assert (facts.shut_down.isoformat() if facts.shut_down else None) == shut, name
    for facts in all_facts().values():
        assert facts.about.endswith(".")
        assert facts.sources
        assert facts.reviewed is not None
        assert facts.maker


def test_bars_name_figures_that_there_are() -> None:
    for bar in bars():
        task = TASKS[bar.exam]
        assert bar.figure in {metric.name for metric in (task.headline, *task.metrics)}, bar


def subject(found: Snapshot, name: str) -> Subject:
    return next(each for each in found.subjects if each.name == name)


def said(found: Snapshot, name: str) -> dict[tuple[str, str], str]:
    told = claims(subject(found, name), found.boards.examined)
    return {(each.side, each.task): each.words for each in told}


def test_against_others_only_what_is_sure_is_claimed(tmp_path: Path) -> None:
    exams = ("spoken-reasoning",)
    write_run(tmp_path / "a.jsonl", "good", skill=1.0, exams=exams, items=60)
    write_run(tmp_path / "b.jsonl", "bad", skill=0.1, exams=exams, items=60)
    write_run(tmp_path / "c.jsonl", "worse", skill=0.12, exams=exams, items=60)
    found = snapshot(tmp_path)
    good, bad = said(found, "good"), said(found, "bad")
    assert list(good) == [("strength", "spoken-reasoning")]
    assert list(bad) == [("weakness", "spoken-reasoning")]
    words = good["strength", "spoken-reasoning"]
    assert re.search(r"solved when spoken \d+\.\d % \(\d+\.\d to \d+\.\d\), n = \d+.*surely better than 2 of 2", words)
    assert "worse than 1 of 2" in bad["weakness", "spoken-reasoning"]


def test_those_that_are_alike_claim_nothing(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        write_run(tmp_path / f"{name}.jsonl", name, skill=0.7, exams=("tools",), items=12)
    found = snapshot(tmp_path)
    assert [said(found, name) for name in ("one", "two", "three")] == [{}, {}, {}]


def test_whoever_was_asked_other_items_is_no_measure(tmp_path: Path) -> None:
    """All of its items may be harder: nothing is claimed against it, and bars are what is left."""
    write_run(tmp_path / "a.jsonl", "good", skill=1.0, exams=("spoken-reasoning",), items=40)
    write_run(tmp_path / "b.jsonl", "bad", skill=0.1, exams=("spoken-reasoning",), items=40, month="2026-10")
    found = snapshot(tmp_path)
    assert all("other model" not in words for name in ("good", "bad") for words in said(found, name).values())


def test_a_preview_is_no_measure_for_others(tmp_path: Path) -> None:
    write_run(tmp_path / "a.jsonl", "settled", skill=0.1, exams=("tools",), items=40)
    write_run(tmp_path / "b.jsonl", "next", skill=1.0, exams=("tools",), items=40, preview=True)
    found = snapshot(tmp_path)
    assert all("other model" not in words for words in said(found, "settled").values())
    assert ("strength", "tools") in said(found, "next")


def test_alone_whole_intervals_are_held_against_bars(tmp_path: Path) -> None:
    write_run(tmp_path / "run.jsonl", "alone", skill=1.0, speed=0.1, exams=("speed", "structured", "safety"), items=40)
    told = said(snapshot(tmp_path), "alone")
    assert "within the bar of at most 3 s to the first sound" in told["strength", "speed"]
    assert re.search(r"\(\d+\.\d+ to \d+\.\d+\), n = \d+", told["strength", "speed"])


def test_too_few_items_claim_nothing(tmp_path: Path) -> None:
    few = LEAST_FOR_BOUNDS - 1
    write_run(tmp_path / "a.jsonl", "few", skill=1.0, exams=("tools", "speed"), items=few)
    write_run(tmp_path / "b.jsonl", "none", skill=0.0, exams=("tools",), items=few)
    assert said(snapshot(tmp_path), "few") == {}


@pytest.mark.parametrize(
    ("name", "today", "answer"),
    [
        ("gpt-4o-mini-audio-preview", TODAY, "No. OpenAI switched it off on 7 May 2026. OpenAI names gpt-audio-mini"),
        ("gpt-audio-mini", TODAY, "Yes, until 20 January 2027, 56 days from now"),
        ("gpt-audio-mini", date(2027, 1, 20), "No. OpenAI switched it off on 20 January 2027."),
        ("gpt-audio-1.5", TODAY, "No end of it was announced when we last looked, on 25 November 2026."),
        ("viva-gpu", TODAY, "For as long as somebody runs it"),
        ("gemini-2.5-flash", TODAY, "We have no word of its maker"),
    ],
)
def test_is_it_still_available(tmp_path: Path, name: str, today: date, answer: str) -> None:
    found = snapshot(tmp_path)
    view = model_view(subject(found, name), found, today)
    told = {each.asked: each.answer for each in questions(view, Money(), today)}
    assert told["Is it still available?"].startswith(answer)
    assert all(text.endswith((".", "?")) for text in told.values()), told


def test_figures_in_answers_have_their_n(tmp_path: Path) -> None:
    write_run(tmp_path / "run.jsonl", "viva-default", skill=0.9, items=40)
    found = snapshot(tmp_path)
    view = model_view(subject(found, "viva-default"), found, TODAY)
    told = {each.asked: each.answer for each in questions(view, Money(), TODAY)}
    for asked in (
        "How well does it hear?",
        "Does it lose anything when a question is spoken?",
        "How soon does it answer?",
    ):
        assert "n = " in told[asked], asked
    assert "p95" not in told["How soon does it answer?"]


def test_unknown_models_get_an_honest_sentence(tmp_path: Path) -> None:
    write_run(tmp_path / "run.jsonl", "nobody-knows", model="nobody-knows", base_url=ELSEWHERE, exams=("safety",))
    found = snapshot(tmp_path)
    assert "Nobody has described this model here yet" in model_view(subject(found, "nobody-knows"), found, TODAY).about
    known = dict(model_view(subject(found, "nobody-knows"), found, TODAY).known)
    assert known["Licence"] == "not known to us"
    assert known["Last reviewed"] == "not yet"
    assert known["Last tested"] == "25 November 2026"


def test_verdicts_stand_by_window_the_latest_first(tmp_path: Path) -> None:
    early = {"started": NOW - timedelta(days=31), "month": "2026-10"}
    write_run(tmp_path / "a.jsonl", "viva-default", skill=0.2, exams=("tools",), items=40, **early)
    write_run(tmp_path / "b.jsonl", "viva-default", skill=1.0, exams=("tools",), items=40)
    found = snapshot(tmp_path)
    view = model_view(subject(found, "viva-default"), found, TODAY)
    assert [(each.run.run.month, each.verdict.change) for each in view.windows] == [
        ("2026-11", "improved"),
        ("2026-10", "baseline"),
    ]
    assert [each.change for each in view.results] == ["improved"]


def test_figures_are_worked_out_once(tmp_path: Path) -> None:
    write_run(tmp_path / "run.jsonl", "one", exams=("safety",), items=8)
    [run] = Library(tmp_path).shelf().runs
    assert isinstance(run, Judged)
    assert run.figures("safety") is run.figures("safety")
    assert run.groups("safety") is run.groups("safety")
    assert run.languages("safety") == ["en"]


def test_transcripts_are_no_answers_that_one_waits_for(tmp_path: Path) -> None:
    write_run(tmp_path / "a.jsonl", "one", exams=("transcription",), items=12)
    write_run(tmp_path / "b.jsonl", "two", exams=("transcription", "tools"), items=12)
    write_run(tmp_path / "c.jsonl", "three", exams=("tools", "speed"), items=12)
    found = {run.run.label: run.delays for run in Library(tmp_path).shelf().runs}
    assert (found["one"].first_sound.n, found["one"].whole.n) == (0, 0)
    assert found["two"].whole.n == 12
    assert found["three"].first_sound.n == found["three"].whole.n == 12
