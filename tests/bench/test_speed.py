"""How soon questions are answered: playback of known times, whole runs over scripted engines."""

from __future__ import annotations

import time
from pathlib import Path

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
from vivavoce.bench.speed import MOST_FAILURES, Measuring, system_prompt
from vivavoce.bench.speed_page import read_report
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
