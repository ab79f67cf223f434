"""How soon questions are answered: playback, figures and pages from known times, whole runs over scripted engines."""

from __future__ import annotations

import re
import time
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from scripted_app import MakeServer
from typer.testing import CliRunner

from vivavoce.audio import SPEAK_RATE_HZ, Audio
from vivavoce.bench.added import ANSWER, engine_waits_s, measure_added
from vivavoce.bench.exchange import Exchange, Server
from vivavoce.bench.plain import PlainWay, build_plain
from vivavoce.bench.playback import Playback, first_audible_s, play
from vivavoce.bench.questions import (
    LENGTHS_S,
    Question,
    group_of,
    new_wav,
    read_questions,
    speak_questions,
    written_questions,
)
from vivavoce.bench.replay import record, replaying
from vivavoce.bench.speed import MOST_FAILURES, Added, Condition, Measuring, SpeedReport, Trial, system_prompt
from vivavoce.bench.speed_figures import Spread, rows, targets, times_sooner, waterfalls
from vivavoce.bench.speed_page import read_report, speed_page, speed_tables, write_report
from vivavoce.bench.speed_svg import speed_svg
from vivavoce.cli import app
from vivavoce.codec.decode import decode
from vivavoce.codec.encode import encode
from vivavoce.engines.registry import SCRIPTED_DELAY_S
from vivavoce.engines.spec import EngineSpec
from vivavoce.errors import InvalidValue, UpstreamFailed
from vivavoce.testing import ScriptedListener, ScriptedSpeaker, ScriptedThinker

REPO = Path(__file__).resolve().parents[2]


def tone(duration_s: float, rate_hz: int = SPEAK_RATE_HZ) -> Audio:
    times = np.arange(round(duration_s * rate_hz)) / rate_hz
    return Audio((0.2 * np.sin(2 * np.pi * 220 * times)).astype(np.float32), rate_hz)


def silence(duration_s: float) -> Audio:
    return Audio.silence(duration_s, SPEAK_RATE_HZ)


def test_silence_before_the_first_sound_counts_as_waiting() -> None:
    late = Audio.join([silence(0.3), tone(0.7)], SPEAK_RATE_HZ)
    assert play([(2.0, late)]) == Playback(pytest.approx(2.3), pytest.approx(1.0), 0, 0.0)
    # A piece of silence alone, the sound in the next: it is played when the silence is over, not when it arrives.
    assert play([(2.0, silence(0.5)), (2.1, tone(1))]).first_sound_s == pytest.approx(2.5)
    assert play([(2.0, silence(0.5)), (3.0, tone(1))]).first_sound_s == pytest.approx(3.0)


def test_noise_below_hearing_is_silence() -> None:
    hiss = Audio((np.random.default_rng(0).normal(0, 0.003, 24_000)).astype(np.float32), SPEAK_RATE_HZ)
    assert first_audible_s(hiss.samples, SPEAK_RATE_HZ) is None
    assert play([(1.0, hiss)]).first_sound_s is None
    assert play([]) == Playback(None, 0.0, 0, 0.0)


def test_running_dry_counts_only_once_speech_has_begun() -> None:
    assert play([(1.0, tone(1)), (1.5, tone(1)), (2.9, tone(1))]).dry == 0
    dry = play([(1.0, tone(1)), (2.25, tone(1)), (4.0, tone(1))])
    assert (dry.dry, dry.dry_s) == (2, pytest.approx(0.25 + 0.75))
    assert play([(1.0, silence(0.1)), (2.0, tone(1))]).dry == 0


def test_our_questions_are_many_and_of_four_lengths() -> None:
    questions = written_questions()
    assert tuple(questions) == LENGTHS_S
    everything = [text for texts in questions.values() for text in texts]
    assert len(set(everything)) == len(everything) >= 75
    for length_s, texts in questions.items():
        # About 15 letters a second: far enough from the other groups for every voice.
        assert all(0.5 * length_s < len(text) / 15 < 1.6 * length_s for text in texts), length_s


def test_questions_are_spoken_once_and_texts_change_before_voices_do(tmp_path: Path) -> None:
    spoken: list[tuple[str, str]] = []

    def speak(text: str, voice: str) -> Audio:
        spoken.append((text, voice))
        return tone(0.1)

    texts = len(written_questions()[2])
    questions = speak_questions(tmp_path, ["a", "b"], {2: texts + 3, 5: 2}, speak)
    assert len({question.id for question in questions}) == len(spoken) == texts + 5
    assert len({text for text, _ in spoken[:texts]}) == texts
    assert {voice for _, voice in spoken[:4]} == {"a", "b"}
    assert [question.turn for question in questions[:texts]] == [0] * texts
    assert [question.turn for question in questions[texts : texts + 3]] == [1] * 3
    assert speak_questions(tmp_path, ["a", "b"], {2: texts + 3, 5: 2}, speak) == questions
    assert len(spoken) == texts + 5, "kept from before"
    with pytest.raises(InvalidValue, match="at most"):
        speak_questions(tmp_path, ["a"], {30: 1000}, speak)


def test_a_users_recordings_are_grouped_by_length(tmp_path: Path) -> None:
    for name, duration_s in {"a": 2.5, "b": 6.0, "c": 50.0}.items():
        (tmp_path / f"{name}.wav").write_bytes(encode(tone(duration_s), "wav"))
    (tmp_path / "notes.txt").write_text("no sound")
    assert [(question.id, question.length_s) for question in read_questions(tmp_path)] == [("a.wav", 2), ("b.wav", 5)]
    assert [group_of(duration_s) for duration_s in (1, 4, 12, 31, 46)] == [2, 5, 12, 30, None]
    with pytest.raises(InvalidValue, match="No recording"):
        read_questions(tmp_path / "none")


def test_every_recording_is_new_but_sounds_the_same() -> None:
    first, second = (decode(new_wav(tone(0.5), seed)).samples for seed in (1, 2))
    assert (first != second).any()
    assert np.abs(first - second).max() < 1e-3


def recordings(folder: Path, *lengths_s: int, each: int = 1) -> list[Question]:
    made: list[Question] = []
    for length_s in lengths_s:
        for number in range(each):
            path = folder / f"{length_s}-{number}.wav"
            path.write_bytes(encode(tone(0.2), "wav"))
            made.append(Question(path.stem, length_s, path))
    return made


class Notebook:
    """Answers at once, and keeps what was asked."""

    def __init__(self, first_sound_s: float | None = 1.0, fail_after: int = 10**6) -> None:
        self.asked: list[tuple[bytes, str, str]] = []
        self.first_sound_s = first_sound_s
        self.fail_after = fail_after

    def __call__(self, wav: bytes, system: str, voice: str) -> Exchange:
        self.asked.append((wav, system, voice))
        if len(self.asked) > self.fail_after:
            raise UpstreamFailed("it fell over")
        return Exchange(0.5, 0.75, 2.0, Playback(self.first_sound_s, 1.0, 0, 0.0), "Yes.", 10)


def test_conditions_take_turns_and_no_recording_is_sent_twice(tmp_path: Path) -> None:
    server, plain = Notebook(), Notebook()
    measuring = Measuring(server, plain, ["alloy", "fast"], tone(0.1))
    done: list[tuple[int, int, str]] = []
    measuring.run(recordings(tmp_path, 2, 5, each=3), 3, 2, lambda *at: done.append(at))
    compared = [trial for trial in measuring.trials if trial.question in ("2-0", "2-1", "5-0", "5-1")]
    assert len(measuring.trials) == len(compared) + 2 == 4 * 4 + 2 == done[-1][0] == done[-1][1]
    assert [trial.question for trial in compared[:8]] == ["2-0"] * 4 + ["5-0"] * 4
    assert compared[0].condition != compared[4].condition, "the order rotates"
    wavs = [wav for wav, _, _ in server.asked]
    assert len(set(wavs)) == len(wavs)
    assert {voice for _, _, voice in plain.asked} == {"alloy"}


def test_a_prompt_counts_as_cached_only_after_it_was_read(tmp_path: Path) -> None:
    server = Notebook()
    measuring = Measuring(server, None, ["alloy"], tone(0.1))
    again = [Question("again", 2, recordings(tmp_path, 2)[0].path, turn=1)]
    measuring.run(recordings(tmp_path, 2, each=2) + again, 3, 1)
    systems = [system for _, system, _ in server.asked]
    cached = [trial.prompt for trial in measuring.trials].count("cached")
    assert cached == 3
    assert len(systems) == 2 + 1 + 4, "two prompts to read first: a text that comes again has one of its own"
    assert len(set(systems)) == 3
    assert systems.count(systems[0]) == 2 + 2
    assert system_prompt("Anna").split()[0] != system_prompt("7 Ben").split()[0]


def test_few_failures_are_told_and_many_end_the_run(tmp_path: Path) -> None:
    measuring = Measuring(Notebook(fail_after=3), None, ["alloy"], tone(0.1))
    measuring.run(recordings(tmp_path, 2, each=3), 3, 0)
    assert (len(measuring.trials), len(measuring.failures)) == (1, 2)
    with pytest.raises(UpstreamFailed, match="fell over"):
        measuring.run(recordings(tmp_path, 2, each=20), 20, 0)
    assert len(measuring.failures) == MOST_FAILURES + 1
    with pytest.raises(UpstreamFailed, match="no sound"):
        Measuring(Notebook(first_sound_s=None), None, ["alloy"], tone(0.1)).run(recordings(tmp_path, 2), 1, 0)


def trial(
    number: int = 0, length_s: int = 2, first_sound_s: float = 1.0, condition: Condition | None = None, dry_s: float = 0
) -> Trial:
    condition = condition or Condition("served", "cached", "alloy")
    return Trial(
        question=f"{length_s}-{number}",
        length_s=length_s,
        duration_s=float(length_s),
        way=condition.way,
        prompt=condition.prompt,
        voice=condition.voice,
        heard_s=0.4 * first_sound_s,
        first_text_s=0.7 * first_sound_s,
        first_sound_s=first_sound_s,
        end_s=2 * first_sound_s,
        sound_s=5.0,
        dry=int(dry_s > 0),
        dry_s=dry_s,
        cached_tokens=60,
    )


def report(*trials: Trial, added: tuple[Added, ...] = (), voices: tuple[str, ...] = ("alloy", "fast")) -> SpeedReport:
    return SpeedReport("2026-01-02", "a machine", 2, "viva-voce", {"listen": "whisper:x"}, voices, 0, trials, (), added)


PLAIN = Condition("plain", "cached", "alloy")
FAST = Condition("served", "cached", "fast")
FULL = report(
    *[trial(n, length_s, 0.9 + n / 100 + length_s / 50) for length_s in LENGTHS_S for n in range(60)],
    *[trial(n, length_s, 5.0 + n / 10, PLAIN) for length_s in LENGTHS_S for n in range(20)],
    *[trial(n, 2, 0.6 + n / 100, FAST) for n in range(20)],
    *[trial(n, 2, 1.5, Condition("served", "new", "alloy"), dry_s=0.2) for n in range(6)],
    added=(Added(2, 200, 3.0, 6.5, 4.0), Added(30, 200, 5.0, 12.0, 9.0)),
)


def test_a_p95_is_never_stated_of_few() -> None:
    assert Spread.of([1.0] * 59) == Spread(59, 1.0, None, 1.0)
    assert Spread.of([1.0] * 60) == Spread(60, 1.0, 1.0, 1.0)
    assert Spread.of([]) is None
    page = speed_page(report(*[trial(n, 2, 1 + n / 10) for n in range(5)]))
    assert "| 2 s | cached prompt | 5 | 0.84 | 1.20 | (most 1.40) | 2.40 | (most 2.80) | 0 of 5 |" in page
    assert "| first sound, p95, question of 2 to 5 s | – | 5 | 2.2 s | 1.5 s | not measured |" in page


def test_rows_ratios_and_stages_come_from_the_trials() -> None:
    first, fresh, fast, plain = [row for row in rows(FULL) if row.length_s == 2]
    assert (first.condition.prompt, fresh.condition.prompt, fast.condition.voice) == ("cached", "new", "fast")
    assert plain.condition.way == "plain"
    assert (fresh.dry, fresh.longest_dry_s) == (6, 0.2)
    sooner = times_sooner(FULL, [2])
    assert sooner is not None
    assert sooner.clips == 20, "the questions that both were asked"
    assert sooner.estimate == pytest.approx(5.95 / 1.035)
    assert sooner.low < sooner.estimate < sooner.high
    assert times_sooner(report(trial(), trial(condition=PLAIN)), [2]) is None
    fall = next(fall for fall in waterfalls(FULL) if fall.condition == PLAIN)
    assert [stage.name for stage in fall.stages] == ["hearing", "first words", "first sound", "the rest"]
    assert [stage.start_s for stage in fall.stages[1:]] == [stage.end_s for stage in fall.stages[:-1]]
    untold = report(*[Trial(**{**_fields(trial()), "heard_s": None})])
    assert [stage.name for stage in waterfalls(untold)[0].stages] == ["first words", "first sound", "the rest"]


def _fields(made: Trial) -> dict[str, object]:
    return {name: getattr(made, name) for name in Trial.__dataclass_fields__}


def test_targets_tell_goal_floor_missed_and_not_measured() -> None:
    verdicts = {target.name: target.verdict for target in targets(FULL)}
    assert verdicts["first sound, p50, question of 2 to 5 s"] == "floor"
    assert verdicts["first sound, p95, question of 2 to 5 s"] == "floor"
    assert verdicts["first sound, p95, question of 30 s"] == "goal"
    assert verdicts["first sound, times sooner than plain, question of 2 to 5 s"] == "goal"
    assert verdicts["answers that ran dry while they were played"] == "missed"
    assert verdicts["what the server adds, p95"] == "missed"
    assert {target.verdict for target in targets(report())} == {"not measured"}
    page = speed_page(FULL)
    assert "| what the server adds, p95 | 12 ms | 200 | 10 ms | 10 ms | missed, 2 ms to the floor |" in page
    assert re.search(r"first sound, p50, question of 2 to 5 s . 1\.2\d s .*floor reached, 0\.2\d s to the goal", page)


def test_a_report_survives_its_file_and_makes_a_page(tmp_path: Path) -> None:
    write_report(FULL, tmp_path / "speed.json")
    assert read_report(tmp_path / "speed.json") == FULL
    write_report(report(), tmp_path / "empty.json")
    assert read_report(tmp_path / "empty.json") == report()
    (tmp_path / "other.json").write_text('{"trials": 1}')
    with pytest.raises(InvalidValue, match=r"other\.json is no report"):
        read_report(tmp_path / "other.json")
    page = speed_page(FULL)
    assert "| 30 s | 200 | 5.0 ms | 12.0 ms |" in page
    assert re.search(r"Question of 2 s: .* 5\.7 \(95 % interval", page)
    assert len(speed_tables(FULL).renderables) > 2
    assert "Not measured yet" in speed_page(None)


def test_the_drawing_is_well_formed_and_has_every_curve() -> None:
    drawing = ElementTree.fromstring(speed_svg(FULL))
    curves = [part for part in drawing.iter() if (part.get("class") or "").startswith("curve")]
    assert len(curves) == len(rows(FULL))
    assert ElementTree.fromstring(speed_svg(report())).tag.endswith("svg")
    texts = " ".join(part.text or "" for part in drawing.iter())
    assert "plain" in texts
    assert "question of 30 s" in texts


def test_the_committed_page_is_made_of_the_committed_figures() -> None:
    source = REPO / "docs/speed.json"
    made = read_report(source) if source.is_file() else None
    assert (REPO / "docs/speed.md").read_text(encoding="utf-8") == speed_page(made)
    if made is not None:
        assert (REPO / "docs/speed.svg").read_text(encoding="utf-8") == speed_svg(made)


def test_a_server_is_asked_through_the_official_client(make_server: MakeServer) -> None:
    scripted = make_server(listener=ScriptedListener(delay_s=0.05), speaker=ScriptedSpeaker(delay_s=0.05))
    server = Server(f"{scripted.url}/v1", "none", "viva-voce")
    exchange = server.ask(new_wav(tone(1.0), 1), system_prompt("Anna"), "alloy")
    server.close()
    assert exchange.heard_s is not None
    assert exchange.first_text_s is not None
    assert exchange.playback.first_sound_s is not None
    assert 0.05 <= exchange.heard_s <= exchange.first_text_s < exchange.playback.first_sound_s <= exchange.end_s
    assert exchange.playback.first_sound_s >= 0.1
    assert exchange.text.startswith("Two and two")
    assert exchange.playback.sound_s > 1
    sampling = scripted.engines.thinker.samplings[0]  # type: ignore[attr-defined]
    assert (sampling.temperature, sampling.max_tokens) == (0, 60)


def test_what_a_server_refuses_is_said(make_server: MakeServer) -> None:
    server = Server(f"{make_server().url}/v1", "none", "viva-voce")
    with pytest.raises(UpstreamFailed, match=r"answered 400.*nobody"):
        server.ask(new_wav(tone(1.0), 1), "Hello.", "nobody")
    server.close()
    nowhere = Server("http://127.0.0.1:9/v1", "none", "viva-voce")
    assert nowhere.engines() == {}
    with pytest.raises(UpstreamFailed, match="did not answer"):
        nowhere.ask(new_wav(tone(1.0), 1), "Hello.", "alloy")
    nowhere.close()


def test_what_is_added_is_what_the_engines_did_not_take(make_server: MakeServer) -> None:
    assert engine_waits_s() == [SCRIPTED_DELAY_S] * 4
    scripted = make_server(ANSWER, thinker=ScriptedThinker(ANSWER, delay_s=SCRIPTED_DELAY_S))
    server = Server(f"{scripted.url}/v1", "none", "viva-voce")
    recorded = record(server.base_url, server.model, new_wav(tone(1.0), 1), "Hello.", "alloy", engine_waits_s())
    assert [wait_s for wait_s, _ in recorded if wait_s] == engine_waits_s(), "no more waits than the engines'"
    with replaying(recorded) as replay_url:
        replay = Server(replay_url, "none", "viva-voce")
        found = measure_added(server.ask, replay.ask, "alloy", (2,), 3)
        itself = measure_added(replay.ask, replay.ask, "alloy", (2,), 10)
        replay.close()
    server.close()
    assert found[0].client_ms > 0
    assert abs(itself[0].p50_ms) < abs(found[0].p50_ms), "who only replays adds nothing"
    assert (found[0].length_s, found[0].n) == (2, 3)
    assert 0 < found[0].p50_ms < 2000
    assert found[0].p95_ms is None, "of three"


def test_the_plain_way_makes_no_sound_before_all_of_it_is_there() -> None:
    thinker, speaker = ScriptedThinker("Yes. It is.", delay_s=0.02), ScriptedSpeaker(delay_s=0.05)

    def transcribe(wav: bytes) -> str:
        time.sleep(0.05)
        return f"{len(wav)} bytes"

    plain = PlainWay(transcribe, thinker, speaker, note="Be brief.")
    exchange = plain.ask(b"1234", "You are kind.", "alloy")
    plain.close()
    assert exchange.text == "Yes. It is."
    assert [text for text, _, _ in speaker.spoken] == ["Yes. It is."]
    assert [message.text for message in thinker.asked[0]] == ["Be brief.\nYou are kind.", "4 bytes"]
    assert exchange.heard_s is not None
    assert exchange.first_text_s is not None
    assert 0.05 <= exchange.heard_s < exchange.first_text_s - 0.04 < exchange.end_s
    assert exchange.playback.first_sound_s == pytest.approx(exchange.end_s)


def test_the_plain_way_needs_weights_of_its_own() -> None:
    with pytest.raises(InvalidValue, match="needs whisper"):
        build_plain(EngineSpec("scripted:x", "scripted:y", "scripted:z", "/nowhere"), None)


def test_the_command_measures_a_server_by_its_address(
    make_server: MakeServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VIVA_SPEAK", "scripted:hum")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    out, svg = tmp_path / "speed.json", tmp_path / "speed.svg"
    asked = [
        "--base-url",
        f"{make_server().url}/v1",
        "--length",
        "2",
        "--length",
        "5",
        "--each",
        "2",
        "--compared",
        "1",
    ]
    done = CliRunner().invoke(app, ["bench", "speed", *asked, "--out", str(out), "--svg", str(svg)])
    assert done.exit_code == 0, done.output
    made = read_report(out)
    assert [trial.length_s for trial in made.trials] == [2, 2, 5, 5, 2, 5]
    assert "first sound" in done.output
    assert svg.read_text().startswith("<svg")
    assert len(list((tmp_path / "vivavoce/questions/scripted-hum").rglob("*.wav"))) == 4
    wrong = CliRunner().invoke(app, ["bench", "speed", "--length", "7"])
    assert "no questions of 7 s" in str(wrong.exception)


@pytest.mark.slow
def test_the_command_starts_a_server_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIVA_LISTEN", "scripted:the bus leaves")
    monkeypatch.setenv("VIVA_THINK", "scripted:It leaves at noon.")
    monkeypatch.setenv("VIVA_SPEAK", "scripted:hum")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    out = tmp_path / "speed.json"
    done = CliRunner().invoke(app, ["bench", "speed", "--length", "2", "--each", "1", "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert read_report(out).engines["think"].startswith("scripted")
