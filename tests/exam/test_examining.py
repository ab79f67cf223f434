"""A whole exam of a scripted server: what is asked, written, resumed, stopped at a cap; and how it says so."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from scripted_app import MakeServer

from vivavoce.errors import EngineFailed, InvalidValue, UpstreamFailed
from vivavoce.exam import papers
from vivavoce.exam.board import figures
from vivavoce.exam.budget import Prices, Purse, allow, estimate, is_near
from vivavoce.exam.catalogue import TASKS, chosen
from vivavoce.exam.endpoint import Endpoint, Request
from vivavoce.exam.items import Item, Rotation
from vivavoce.exam.papers import Amounts
from vivavoce.exam.runner import FAILURES_IN_A_ROW, Examiner
from vivavoce.exam.runs import Record, Run, RunFile, Try, begin, read
from vivavoce.exam.sounds import SoundMaker
from vivavoce.exam.tasks import Sources
from vivavoce.prices.book import TOKEN_UNITS, PriceBook, PriceRow, load_book
from vivavoce.testing import ScriptedListener, ScriptedSpeaker, ScriptedThinker

DAY = date(2026, 11, 25)
VOICES = ("speech:alloy", "speech:nova")

Examine = Callable[..., Record]


def free(model: str = "m") -> Prices:
    return Prices(load_book(), DAY, model, "gpt-4o-mini-transcribe", free=True)


class Exam:
    """A run of some tasks on an endpoint, sitting by sitting."""

    def __init__(self, folder: Path, url: str, tasks: list[str], count: int, **more: object) -> None:
        self.endpoint = Endpoint(f"{url}/v1", "none", "gpt-4o-mini-audio-preview", timeout_s=20)
        items, pools = papers.draw(chosen(tasks), Sources(VOICES), Rotation("2026-11"), Amounts(count))
        self.path = folder / "run.jsonl"
        run = Run(
            id="r",
            label="scripted",
            model=self.endpoint.model,
            base_url=self.endpoint.base_url,
            started="2026-11-25T10:00:00+00:00",
            tasks=tasks,
            month="2026-11",
            seed=0,
            commit="",
            vivavoce="",
            pools=pools,
        )
        begin(self.path, run, items)
        self.examiner = Examiner(
            endpoint=self.endpoint,
            rehearer=self.endpoint,
            sounds=SoundMaker(folder / "cache", url, self.endpoint.speak),
            prices=free(),
            purse=Purse(None),
            replies=folder / "replies",
        )
        self.examiner = replace(self.examiner, **more)

    def sit(self, at_most: int | None = None) -> str:
        with RunFile(self.path) as file:
            ended = self.examiner.examine(papers.left(self.record)[:at_most], file)
            file.end(ended)
        return ended

    @property
    def record(self) -> Record:
        return read(self.path)


def test_puzzles_are_put_typed_and_spoken_and_judged(make_server: MakeServer, tmp_path: Path) -> None:
    server = make_server(answer="Let me see. Answer: Monday")
    exam = Exam(tmp_path, server.url, ["spoken-reasoning"], 9, concurrency=3)
    assert exam.sit() == "done"
    record = exam.record
    assert len(record.tries) == 18
    assert {made.mode for made in record.tries} == {"typed", "spoken"}
    for item, made in record.of("spoken-reasoning"):
        assert made.values == {"right": float(item.key["right"] == "Monday")}
        assert made.usage is not None
        assert (made.usage.input_audio_tokens > 0) == (made.mode == "spoken")
        assert bool(made.question_sha256) == (made.mode == "spoken")
    drop = next(f for f in figures(TASKS["spoken-reasoning"], record.of("spoken-reasoning")) if f.metric == "drop")
    assert drop.estimate is None
    assert "40 % are asked for" in drop.withheld


def test_an_exam_that_was_ended_is_resumed_where_it_was(make_server: MakeServer, tmp_path: Path) -> None:
    thinker = ScriptedThinker("Answer: 4")
    exam = Exam(tmp_path, make_server(thinker=thinker).url, ["spoken-reasoning"], 6)
    exam.sit(at_most=5)
    first = list(exam.record.tries)
    assert exam.sit() == "done"
    assert list(exam.record.tries[:5]) == first
    assert len(exam.record.tries) == len(thinker.asked) == 12


def test_transcriptions_are_scored_by_words(make_server: MakeServer, tmp_path: Path) -> None:
    exam = Exam(tmp_path, make_server(listener=ScriptedListener("the bus")).url, ["transcription"], 4)
    assert exam.sit() == "done"
    [wer, *_] = figures(TASKS["transcription"], exam.record.of("transcription"))
    assert wer.n == 4
    assert wer.estimate is not None
    assert 0 < wer.estimate <= 100
    assert all(made.answer == "the bus" for made in exam.record.tries)


def test_spoken_answers_are_heard_again_and_kept(make_server: MakeServer, tmp_path: Path) -> None:
    answer = "Boil the water, and pour it over the leaves. Wait for three minutes."
    server = make_server(answer=answer, listener=ScriptedListener("boil the water and pour it over the leaves"))
    exam = Exam(tmp_path, server.url, ["speech-out"], 6)
    assert exam.sit() == "done"
    for item, made in exam.record.of("speech-out"):
        assert made.values is not None
        assert (made.values["spoken"], made.values["words"]) == (1.0, 13.0)
        assert made.values["word_errors"] == 4.0
        assert made.values["language"] == float(item.language == "en")
        assert (tmp_path / "replies" / f"{made.audio_sha256}.wav").read_bytes()[:4] == b"RIFF"


def test_safety_counts_what_is_made_up(make_server: MakeServer, tmp_path: Path) -> None:
    """A listener that hears words in everything, and a thinker that answers them."""
    exam = Exam(tmp_path, make_server(answer="Paris is lovely in spring.").url, ["safety"], 14)
    assert exam.sit() == "done"
    by_name = {figure.metric: figure for figure in figures(TASKS["safety"], exam.record.of("safety"))}
    heard = [made for _, made in exam.record.of("safety") if "nothing" in (made.values or {}) and made.heard]
    assert heard, "noise is heard as words by the scripted listener"
    assert all((made.values or {})["nothing"] == 0.0 for made in heard)
    assert by_name["secret"].estimate == 100.0


def test_structured_and_tools_are_judged_by_their_fields(make_server: MakeServer, tmp_path: Path) -> None:
    wanted = '{"people": 4, "day": "Friday", "hour": 19, "outside": false}'
    exam = Exam(tmp_path, make_server(answer=wanted).url, ["structured"], 0)
    exam.sit(at_most=40)
    right = [item.id for item, made in exam.record.of("structured") if (made.values or {}).get("right")]
    assert set(right) == {"structured/00"}
    called = ScriptedThinker("", calls=[("set_timer", '{"minutes": 10}')])
    folder = tmp_path / "tools"
    folder.mkdir()
    tools = Exam(folder, make_server(thinker=called).url, ["tools"], 9)
    tools.sit()
    for item, made in tools.record.of("tools"):
        assert made.calls == (("set_timer", '{"minutes": 10}'),)
        assert (made.values or {})["tool"] == float(item.key["tool"] == "set_timer")


def test_first_words_and_first_sound_are_timed(make_server: MakeServer, tmp_path: Path) -> None:
    thinker = ScriptedThinker("It is four. It has been four for a long time.", delay_s=0.02)
    exam = Exam(tmp_path, make_server(thinker=thinker).url, ["speed"], 4)
    assert exam.sit() == "done"
    for _, made in exam.record.of("speed"):
        assert made.values is not None
        assert made.first_text_s is not None
        assert made.seconds is not None
        assert 0.02 <= made.first_text_s <= made.values["first_sound_s"] <= made.seconds
        assert made.answer == thinker.answer
        assert made.usage is not None
        assert made.usage.output_audio_tokens > 0
    first, *_ = figures(TASKS["speed"], exam.record.of("speed"))
    assert (first.n, first.unit) == (4, "s")


def test_at_an_interruption_what_is_under_way_is_kept(make_server: MakeServer, tmp_path: Path) -> None:
    exam = Exam(tmp_path, make_server(answer="Answer: 4").url, ["spoken-reasoning"], 10, concurrency=3)
    seen = 0

    def interrupt(task: str, made: Try) -> None:
        nonlocal seen
        seen += 1
        if seen == 4:
            raise KeyboardInterrupt

    with RunFile(exam.path) as file:
        assert exam.examiner.examine(papers.left(exam.record), file, interrupt) == "interrupted"
    assert 4 <= len(exam.record.tries) <= 6
    assert exam.sit() == "done"
    assert len(exam.record.tries) == 20


@pytest.mark.parametrize(
    "body", ["<html>hello</html>", "{}", '{"choices": []}', '{"choices": [{"message": null}]}', "null"]
)
def test_an_answer_of_another_shape_is_a_failure_with_a_reason(body: str) -> None:
    class Odd(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-type", "text/html" if body[0] == "<" else "application/json")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Odd) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        endpoint = Endpoint(f"http://127.0.0.1:{server.server_port}/v1", "none", "m", timeout_s=5)
        with pytest.raises(UpstreamFailed, match=r"shape|no choice"):
            endpoint.ask("hello", Request())
        with pytest.raises(UpstreamFailed, match="shape"):
            endpoint.diarize(b"RIFF")
        endpoint.close()
        server.shutdown()


@pytest.mark.parametrize(("status", "finish"), [(400, "refused"), (422, "refused"), (401, "failed"), (404, "failed")])
def test_a_wrong_key_or_model_is_asked_again_and_a_refusal_is_not(
    tmp_path: Path, status: int, finish: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vivavoce.exam.endpoint.RETRIES", 0)

    class Refusing(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b'{"error": {"message": "not like this"}}')

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        exam = Exam(tmp_path, f"http://127.0.0.1:{server.server_port}", ["spoken-reasoning"], 1)
        exam.sit(at_most=1)
        server.shutdown()
    [made] = exam.record.tries
    assert (made.finish, made.values) == (finish, None)
    assert "not like this" in made.unscored
    assert len(papers.left(exam.record)) == (1 if finish == "refused" else 2)


class Broken(ScriptedThinker):
    async def think(self, conversation, sampling=None):
        raise EngineFailed("It broke.")
        yield


def test_what_fails_is_unscored_and_asked_again_later(
    make_server: MakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vivavoce.exam.endpoint.RETRIES", 0)
    exam = Exam(tmp_path, make_server(thinker=Broken()).url, ["spoken-reasoning"], 20)
    assert exam.sit() == "failing"
    tries = exam.record.tries
    assert len(tries) == FAILURES_IN_A_ROW
    assert all(made.values is None and "It broke" in made.unscored for made in tries)
    solved, *_ = figures(TASKS["spoken-reasoning"], exam.record.of("spoken-reasoning"))
    assert solved.estimate is None
    assert solved.unscored == 5
    assert len(papers.left(exam.record)) == 40


def test_a_voice_that_cannot_speak_leaves_items_unscored_with_the_reason(
    make_server: MakeServer, tmp_path: Path
) -> None:
    server = make_server(speaker=ScriptedSpeaker())
    exam = Exam(tmp_path, server.url, ["spoken-reasoning"], 1, sounds=SoundMaker(tmp_path / "none"))
    exam.sit()
    spoken = next(made for made in exam.record.tries if made.mode == "spoken")
    assert spoken.values is None
    assert "--speech-url" in spoken.unscored


def test_it_stops_at_the_cap_and_says_what_is_left(make_server: MakeServer, tmp_path: Path) -> None:
    paid = replace(free("gpt-4o-mini-audio-preview"), free=False)
    purse = Purse(Decimal("0.0006"))
    exam = Exam(tmp_path, make_server(answer="Answer: 4").url, ["spoken-reasoning"], 20, prices=paid, purse=purse)
    assert exam.sit() == "budget"
    tries = exam.record.tries
    assert 0 < len(tries) < 40
    assert sum(Decimal(made.usd or 0) for made in tries) == purse.spent
    assert 0 < purse.spent <= Decimal("0.0006")
    assert len(papers.left(exam.record)) == 40 - len(tries)


@pytest.mark.parametrize(
    ("url", "near"),
    [
        ("http://127.0.0.1:8080/v1", True),
        ("http://localhost/v1", True),
        ("http://viva:8080/v1", True),
        ("http://10.0.0.7/v1", True),
        ("http://[::1]:80/v1", True),
        ("https://api.openai.com/v1", False),
        ("http://8.8.8.8/v1", False),
        ("http://[2606:4700::1111]/v1", False),
        ("https://localhost.example.com/v1", False),
        ("https://10.example.com/v1", False),
    ],
)
def test_only_what_is_near_is_free(url: str, near: bool) -> None:
    assert is_near(url) == near


def questions(count: int) -> list[tuple[object, Item, str]]:
    items, _ = papers.draw(chosen(["spoken-reasoning"]), Sources(VOICES), Rotation("2026-11"), Amounts(count))
    return papers.questions(items, ["spoken-reasoning"])


def test_a_paid_endpoint_needs_a_budget_that_is_enough() -> None:
    prices = replace(free("gpt-4o-mini-audio-preview"), free=False)
    about = estimate(prices, questions(20))
    assert about is not None
    assert Decimal("0.001") < about < Decimal("0.1")
    url = "https://api.openai.com/v1"
    with pytest.raises(InvalidValue, match="--budget"):
        allow(url, prices.model, about, None, unpriced=False)
    with pytest.raises(InvalidValue, match="more than the budget"):
        allow(url, prices.model, about, about / 2, unpriced=False)
    allow(url, prices.model, about, about, unpriced=False)


def test_an_estimate_counts_sound_as_the_vendor_does() -> None:
    names, day = ("gpt-audio", "gemini-2.5-flash"), date(2026, 1, 1)
    usd = {unit: Decimal(unit == "input_audio_tokens") for unit in TOKEN_UNITS}
    book = PriceBook(PriceRow(name, unit, usd[unit], day, day, "s") for name in names for unit in TOKEN_UNITS)
    spoken = [asked for asked in questions(20) if asked[2] == "spoken"]
    ours, theirs = (estimate(replace(free(name), free=False, book=book), spoken) for name in names)
    assert ours
    assert theirs
    assert float(theirs / ours) == pytest.approx(3.2, rel=0.01), "32 tokens a second, and 10"


@pytest.mark.parametrize(("model", "usd"), [("whisper-1", "0.006"), ("voxtral-small-2507", None), ("gpt-audio", None)])
def test_without_usage_only_what_is_billed_by_its_length_has_a_cost(model: str, usd: str | None) -> None:
    found = replace(free(model), free=False).of("ask", None, 60)
    assert found == (None if usd is None else Decimal(usd))


def test_a_model_without_a_price_is_examined_only_if_told_so() -> None:
    prices = replace(free("somebody-elses"), free=False)
    about = estimate(prices, questions(2))
    assert about is None
    with pytest.raises(InvalidValue, match="--unpriced"):
        allow("https://api.example.com/v1", "somebody-elses", about, Decimal(5), unpriced=False)
    allow("https://api.example.com/v1", "somebody-elses", about, None, unpriced=True)
    assert estimate(replace(prices, free=True), questions(2)) == 0
