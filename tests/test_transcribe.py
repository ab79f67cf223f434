"""`viva transcribe` over scripted engines: inputs, formats, going on after a stop, speakers, channels, failures."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vivavoce.audio import LISTEN_RATE_HZ, Audio, Samples
from vivavoce.codec.encode import encode
from vivavoce.codec.reading import FileSource, PipeSource
from vivavoce.errors import InvalidValue, UnsupportedFormat
from vivavoce.listen.base import Heard, Segment, Word
from vivavoce.listen.speakers.base import SpeakerTurn
from vivavoce.server.wire.subtitles import balanced
from vivavoce.settings import load_settings
from vivavoce.testing import ScriptedDiarizer, ScriptedListener
from vivavoce.transcribe import console
from vivavoce.transcribe.chunks import CHUNK_S, Chunker, quietest
from vivavoce.transcribe.formats import FORMATS
from vivavoce.transcribe.inputs import jobs
from vivavoce.transcribe.journal import Journal
from vivavoce.transcribe.long import Ears, hear_long

TEXT = "where is the harbour it is over there"


def sound(seconds: float, level: float = 0.2) -> Samples:
    times = np.arange(round(seconds * LISTEN_RATE_HZ)) / LISTEN_RATE_HZ
    return (level * np.sin(2 * np.pi * 300 * times)).astype(np.float32)


def write_wav(path: Path, *channels: Samples) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((len(channels), 2, LISTEN_RATE_HZ, 0, "NONE", ""))
        file.writeframes((np.stack(channels, axis=1) * 32767).astype("<i2").tobytes())
    return path


def blocks(samples: Samples) -> Iterator[Samples]:
    yield from np.array_split(samples, max(1, len(samples) // 16_000))


async def heard(samples: Samples, ears: Ears, journal: Journal | None = None, stop_after: int = 0) -> Heard | None:
    """stop_after: chunks, after which it is broken off."""
    steps = 0
    async for happened in hear_long(blocks(samples), ears, journal or Journal(None, {})):
        if isinstance(happened, Heard):
            return happened
        steps += 1
        if steps == stop_after:
            return None
    raise AssertionError("it ended without a result")


# Chunks


def test_chunks_are_cut_in_the_quietest_pause() -> None:
    samples = sound(30.0)
    samples[12 * LISTEN_RATE_HZ : 13 * LISTEN_RATE_HZ] = 0
    samples[20 * LISTEN_RATE_HZ : 20 * LISTEN_RATE_HZ + 4000] = 0
    assert quietest(samples, 5 * LISTEN_RATE_HZ) / LISTEN_RATE_HZ == pytest.approx(12.5, abs=0.4)


def test_chunks_joined_are_the_recording() -> None:
    samples = np.random.default_rng(0).standard_normal(400 * LISTEN_RATE_HZ).astype(np.float32)
    chunker = Chunker()
    chunks = [chunk for block in blocks(samples) if (chunk := chunker.feed(block)) is not None]
    chunks.append(chunker.finish())
    assert np.array_equal(np.concatenate(chunks), samples)
    assert all(len(chunk) <= (CHUNK_S + 2) * LISTEN_RATE_HZ for chunk in chunks)
    assert chunker.position == len(samples)
    assert chunker.finish() is None


# Hearing what is long


async def test_times_are_those_of_the_whole_recording() -> None:
    listener = ScriptedListener(TEXT)
    found = await heard(sound(300.0), Ears(listener))
    assert found is not None
    assert len(listener.heard) == 3
    assert found.duration_s == pytest.approx(300.0)
    starts = [word.start_s for word in found.words]
    assert starts == sorted(starts)
    assert found.words[-1].end_s == pytest.approx(300.0, abs=0.01)
    assert max(len(audio.samples) for audio in listener.heard) <= (CHUNK_S + 2) * LISTEN_RATE_HZ


async def test_speakers_of_a_long_recording_are_those_of_the_whole() -> None:
    found = await heard(sound(250.0), Ears(ScriptedListener(TEXT), ScriptedDiarizer("A")))
    assert found is not None
    assert {turn.speaker for turn in found.speakers} == {"A"}
    assert sum(turn.end_s - turn.start_s for turn in found.speakers) == pytest.approx(250.0, rel=0.05)


@pytest.mark.parametrize("diarized", [False, True])
async def test_what_was_noted_is_not_heard_again(tmp_path: Path, diarized: bool) -> None:
    samples = sound(500.0)

    def ears() -> Ears:
        return Ears(ScriptedListener(TEXT), ScriptedDiarizer("A") if diarized else None)

    journal = Journal(tmp_path / "j.jsonl", {"recording": "x"})
    whole = await heard(samples, ears())
    assert await heard(samples, ears(), journal, stop_after=2) is None
    again = ears()
    assert await heard(samples, again, journal) == whole
    assert isinstance(again.listener, ScriptedListener)
    assert len(again.listener.heard) == 3  # of five


async def test_a_line_that_was_cut_off_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    samples, path = sound(300.0), tmp_path / "j.jsonl"
    whole = await heard(samples, Ears(ScriptedListener(TEXT)))
    await heard(samples, Ears(ScriptedListener(TEXT)), Journal(path, {}), stop_after=2)
    assert path.stat().st_mode & 0o077 == 0
    for torn in (path.read_bytes()[:-7], path.read_bytes() + b'{"end": 9', path.read_bytes() + b"\xff\x00\n"):
        path.write_bytes(torn)
        assert await heard(samples, Ears(ScriptedListener(TEXT)), Journal(path, {})) == whole


async def test_a_journal_of_another_recording_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    await heard(sound(300.0), Ears(ScriptedListener("old words")), Journal(path, {"recording": 1}), stop_after=1)
    found = await heard(sound(130.0), Ears(ScriptedListener(TEXT)), Journal(path, {"recording": 2}))
    assert found is not None and "old" not in found.transcript


async def test_silence_and_nothing_are_heard_as_nothing() -> None:
    for samples in (np.zeros(130 * LISTEN_RATE_HZ, np.float32), np.zeros(0, np.float32)):
        found = await heard(samples, Ears(ScriptedListener(TEXT), ScriptedDiarizer("A")))
        assert found is not None
        assert (found.transcript, found.speakers) == ("", ())


# Files and pipes


@pytest.mark.parametrize("fmt", ["wav", "flac", "mp3", "opus", "aac"])
def test_files_and_pipes_are_read_block_by_block(tmp_path: Path, fmt: str) -> None:
    audio = Audio(sound(5.0), LISTEN_RATE_HZ)
    path = tmp_path / f"a.{fmt}"
    path.write_bytes(encode(audio, fmt))
    source = FileSource(path)
    assert source.about.duration_s == pytest.approx(5.0, abs=0.5)
    parts = list(source.blocks())
    assert len(parts) >= 5
    assert sum(map(len, parts)) / LISTEN_RATE_HZ == pytest.approx(5.0, abs=0.1)
    with path.open("rb") as pipe:
        piped = np.concatenate(list(PipeSource(pipe).blocks()))
    assert len(piped) / LISTEN_RATE_HZ == pytest.approx(5.0, abs=0.1)


def test_a_channel_of_its_own(tmp_path: Path) -> None:
    source = FileSource(write_wav(tmp_path / "a.wav", sound(2.0), 0 * sound(2.0)))
    assert source.about.channels == 2
    left, right, both = (np.abs(np.concatenate(list(source.blocks(c)))).max() for c in (0, 1, None))
    assert (left, right, both) == pytest.approx((0.2, 0.0, 0.1), abs=0.01)


@pytest.mark.parametrize(("data", "said"), [(b"", "empty"), (b"hello there", "no audio format"), (b"RIFF", "no audio")])
def test_what_is_no_recording_is_told(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(data)
    with pytest.raises(UnsupportedFormat, match=said):
        FileSource(path)
    with pytest.raises(UnsupportedFormat, match=said):
        PipeSource(io.BytesIO(data))


# Where things go


def test_outputs_lie_beside_their_recordings_or_where_they_are_wanted(tmp_path: Path) -> None:
    deep = tmp_path / "talks" / "day1"
    deep.mkdir(parents=True)
    one, two = write_wav(deep / "one.wav", sound(0.1)), write_wav(tmp_path / "talks" / "two.wav", sound(0.1))
    (deep / "notes.txt").write_text("no recording")
    assert [job.outputs for job in jobs([str(one)], ["txt"], None)] == [None]
    assert [job.outputs for job in jobs([str(one)], ["txt"], Path("x/y.srt"))] == [{"txt": Path("x/y.srt")}]
    folder = jobs([str(tmp_path / "talks")], ["srt", "json"], None)
    assert [(job.path, job.outputs) for job in folder] == [
        (one, {"srt": deep / "one.srt", "json": deep / "one.json"}),
        (two, {"srt": two.with_suffix(".srt"), "json": two.with_suffix(".json")}),
    ]
    out = tmp_path / "out"
    assert [job.outputs for job in jobs([str(tmp_path / "talks")], ["vtt"], out)] == [
        {"vtt": out / "day1" / "one.vtt"},
        {"vtt": out / "two.vtt"},
    ]
    with pytest.raises(InvalidValue, match="no file or folder"):
        jobs([str(tmp_path / "nothing")], ["txt"], None)
    with pytest.raises(InvalidValue, match="no recording in"):
        jobs([str(out)] if out.mkdir() is None else [], ["txt"], None)
    other = write_wav(tmp_path / "one.wav", sound(0.1))
    with pytest.raises(InvalidValue, match="would both be written"):
        jobs([str(one), str(other)], ["txt"], out)


# Formats

WORDS = (Word("where", 0.0, 0.5, 0.9), Word("there", 1.0, 1.5, 0.9), Word("here", 2.0, 2.5, 0.9))
TALK = Heard(
    "where there here",
    "en",
    0.9,
    0.1,
    3.0,
    (Segment("where there here", 0.0, 2.5, "en", 0.9, 0.1, WORDS),),
    speakers=(SpeakerTurn("A", 0.0, 0.7), SpeakerTurn("Bo & Co", 1.0, 3.0)),
)


def written(fmt: str) -> str:
    return FORMATS[fmt][1](TALK, "my talk")


def test_every_format_says_who_speaks_where_it_can() -> None:
    assert written("txt") == "A: where\nBo & Co: there here\n"
    assert written("srt").splitlines()[2] == "A: where"
    assert "<v Bo &amp; Co>there here" in written("vtt")
    assert written("rttm").splitlines()[1].split()[1:8] == ["my_talk", "1", "1.000", "2.000", "<NA>", "<NA>", "Bo_&_Co"]
    bodies: dict[str, Any] = {fmt: json.loads(written(fmt)) for fmt in ("json", "verbose_json", "diarized_json")}
    assert {body["text"] for body in bodies.values()} == {TALK.transcript}
    assert [word["word"] for word in bodies["verbose_json"]["words"]] == ["where", "there", "here"]
    assert [each["speaker"] for each in bodies["diarized_json"]["segments"]] == ["A", "Bo & Co"]


LINES = [
    ("a short one", ["a short one"]),
    (
        "a caption of two lines is broken near its middle, and between two words",
        ["a caption of two lines is broken near", "its middle, and between two words"],
    ),
    ("漢" * 30, ["漢" * 15, "漢" * 15]),
]


@pytest.mark.parametrize(("text", "lines"), LINES)
def test_captions_have_lines_that_fit_a_screen(text: str, lines: list[str]) -> None:
    assert balanced(text) == lines


# The command

VIVA = [sys.executable, "-m", "vivavoce.cli", "transcribe"]


def environment(folder: Path, **more: str) -> dict[str, str]:
    return os.environ | {"VIVA_DATA_DIR": str(folder / "data"), "VIVA_LISTEN": f"scripted:{TEXT}"} | more


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    settings = load_settings(listen=f"scripted:{TEXT}", speakers="scripted:A,B", data_dir=tmp_path / "data")

    def run(inputs: Sequence[Path | str], **wish: Any) -> bool:
        return console.transcribe(settings, [str(each) for each in inputs], console.Wish(**wish))

    return run


def test_a_folder_is_transcribed_and_one_bad_file_stops_nothing(
    tmp_path: Path, scripted: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    talks = tmp_path / "talks"
    talks.mkdir()
    write_wav(talks / "a.wav", sound(2.0))
    (talks / "b.mp3").write_bytes(b"no sound at all")
    write_wav(talks / "c.wav", sound(3.0))
    assert not scripted([talks])
    assert sorted(each.name for each in talks.glob("*.txt")) == ["a.txt", "c.txt"]
    assert (talks / "a.txt").read_text() == TEXT + "\n"
    assert "b.mp3" in capsys.readouterr().err
    (talks / "b.mp3").unlink()
    before = (talks / "a.txt").stat().st_mtime_ns
    assert scripted([talks])
    assert (talks / "a.txt").stat().st_mtime_ns == before
    assert "there already" in capsys.readouterr().err
    assert scripted([talks], again=True)
    assert (talks / "a.txt").stat().st_mtime_ns > before
    assert {each.suffix for each in talks.iterdir()} == {".wav", ".txt"}


def test_one_recording_is_shown(tmp_path: Path, scripted: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert scripted([write_wav(tmp_path / "a.wav", sound(4.0))], speakers=True)
    assert capsys.readouterr().out == "A: where is the harbour\nB: it is over there\n"


def test_known_speakers_and_channels(tmp_path: Path, scripted: Any) -> None:
    path, clip = tmp_path / "a.wav", write_wav(tmp_path / "ada.wav", sound(3.0))
    write_wav(path, sound(4.0), sound(4.0))
    assert scripted([path], known={"Ada": clip}, formats=("rttm",), out=tmp_path / "a.rttm")
    assert [line.split()[7] for line in (tmp_path / "a.rttm").read_text().splitlines()] == ["Ada", "A"]
    assert scripted([path], channels=True, formats=("diarized_json",), out=tmp_path / "c.json")
    said = json.loads((tmp_path / "c.json").read_text())["segments"]
    assert sorted({each["speaker"] for each in said}) == ["A", "B"]
    assert not scripted([clip], channels=True)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"formats": ("docx",)}, "no format 'docx'"),
    ({"formats": ("rttm",)}, "add --speakers"),
    ({"channels": True, "speakers": True}, "leave out --speakers"),
]


@pytest.mark.parametrize(("wish", "said"), WRONG)
def test_what_cannot_be_asked_for_is_told(tmp_path: Path, scripted: Any, wish: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidValue, match=said):
        scripted([write_wav(tmp_path / "a.wav", sound(1.0))], **wish)


@pytest.mark.parametrize("given", ["Ada", "=a.wav", "Ada="])
def test_a_known_speaker_is_a_name_and_a_clip(given: str) -> None:
    with pytest.raises(InvalidValue, match="NAME=CLIP"):
        console.named_clips([given])
    assert console.named_clips(["Ada=a.wav", "Bo=b=c.wav"]) == {"Ada": Path("a.wav"), "Bo": Path("b=c.wav")}


@pytest.mark.slow
def test_exit_codes_and_standard_input(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", sound(2.0))

    def run(*arguments: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*VIVA, *arguments], input=data, capture_output=True, timeout=60, env=environment(tmp_path), check=False
        )

    piped = run("-", data=path.read_bytes())
    assert (piped.returncode, piped.stdout.decode()) == (0, TEXT + "\n"), piped.stderr
    assert run("-", data=b"no sound").returncode == 1
    nothing = run(str(tmp_path / "nothing.wav"))
    assert (nothing.returncode, b"no file or folder" in nothing.stderr) == (2, True)


@pytest.mark.slow
def test_it_goes_on_after_kill_9(tmp_path: Path) -> None:
    """Ten minutes; killed once two chunks are noted. What is written then is what an unbroken run writes."""
    path = write_wav(tmp_path / "long.wav", sound(600.0))
    command = [*VIVA, str(path), "--speakers", "-f", "verbose_json", "-f", "rttm"]
    slow = environment(tmp_path, VIVA_SPEAKERS="scripted:A")
    process = subprocess.Popen([*command, "-o", str(tmp_path / "out")], env=slow, stderr=subprocess.DEVNULL)
    deadline_s = time.monotonic() + 60
    journals: list[Path] = []
    while time.monotonic() < deadline_s:
        journals = list((tmp_path / "out").glob(".*.heard"))
        if journals and journals[0].read_bytes().count(b"\n") >= 3:
            break
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    noted = journals[0].read_bytes().count(b"\n") - 1
    assert noted >= 2
    assert journals == list((tmp_path / "out").iterdir())
    subprocess.run([*command, "-o", str(tmp_path / "out")], env=slow, check=True, timeout=60, capture_output=True)
    subprocess.run([*command, "-o", str(tmp_path / "whole")], env=slow, check=True, timeout=60, capture_output=True)
    for name in ("long.verbose.json", "long.rttm"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert not list((tmp_path / "out").glob(".*"))
