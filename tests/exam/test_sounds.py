"""Spoken items: made once, the same on every machine, as loud in noise as they say, never half written."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from scripted_app import wav_bytes

from vivavoce.audio import LISTEN_RATE_HZ, Audio
from vivavoce.codec.decode import decode
from vivavoce.errors import InvalidValue
from vivavoce.exam.acoustics import MADE, in_noise, in_room, level, made, over
from vivavoce.exam.items import Sound
from vivavoce.exam.sounds import SoundMaker

VOICE = decode(wav_bytes(2.0))


class Speaker:
    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def __call__(self, text: str, voice: str) -> bytes:
        self.asked.append((text, voice))
        return wav_bytes(1.0, rate_hz=24_000)


def test_a_text_is_spoken_once_for_all_surroundings(tmp_path: Path) -> None:
    speaker = Speaker()
    maker = SoundMaker(tmp_path, "http://a/v1", speaker)
    kinds = [
        Sound(text="hello", voice="speech:alloy"),
        Sound(text="hello", voice="speech:alloy", surroundings="room", seed=1),
        Sound(text="hello", voice="speech:alloy", surroundings="noise", seed=1),
        Sound(text="hello", voice="speech:alloy", snr_db=0.0, seed=1),
    ]
    first = [maker.wav(sound) for sound in kinds]
    assert [maker.wav(sound) for sound in kinds] == first
    assert len(set(first)) == 4
    assert speaker.asked == [("hello", "alloy")]
    assert {decode(data).rate_hz for data in first} == {LISTEN_RATE_HZ}
    assert not list(tmp_path.glob("*.part"))


def test_other_endpoints_speak_for_themselves(tmp_path: Path) -> None:
    sound = Sound(text="hello", voice="speech:alloy")
    speaker = Speaker()
    SoundMaker(tmp_path, "http://a/v1", speaker).wav(sound)
    assert SoundMaker(tmp_path, "http://b/v1").kept(sound) is None
    assert SoundMaker(tmp_path, "http://a/v1").kept(sound) is not None


def test_a_voice_that_nothing_speaks_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="--speech-url"):
        SoundMaker(tmp_path).wav(Sound(text="hello", voice="speech:alloy"))


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs the program espeak-ng")
def test_espeak_speaks_whatever_a_text_begins_with(tmp_path: Path) -> None:
    audio = decode(SoundMaker(tmp_path).wav(Sound(text="--help me, please", voice="espeak-ng:en-us+m3")))
    assert 0.5 < audio.duration_s < 4
    assert level(audio.samples) > 0.01


def test_a_recording_must_be_the_one_that_the_run_began_with(tmp_path: Path) -> None:
    file = tmp_path / "a.wav"
    file.write_bytes(wav_bytes(1.0))
    right = hashlib.sha256(file.read_bytes()).hexdigest()
    maker = SoundMaker(tmp_path / "cache")
    assert decode(maker.wav(Sound(file=str(file), sha256=right))).duration_s == pytest.approx(1.0)
    with pytest.raises(InvalidValue, match="not the one"):
        maker.wav(Sound(file=str(file), sha256="0" * 64))
    assert maker.kept(Sound(file=str(file), sha256="0" * 64)) is None


def test_a_recording_is_found_from_the_folder_of_its_manifest(tmp_path: Path) -> None:
    (tmp_path / "de").mkdir()
    (tmp_path / "de" / "a.wav").write_bytes(wav_bytes(1.0))
    sound = Sound(file="de/a.wav", sha256=hashlib.sha256(wav_bytes(1.0)).hexdigest())
    assert SoundMaker(tmp_path / "cache", recordings=tmp_path).kept(sound) is not None
    with pytest.raises(InvalidValue, match="--manifest"):
        SoundMaker(tmp_path / "cache").wav(sound)
    with pytest.raises(InvalidValue, match=r"cannot be read: No such file") as caught:
        SoundMaker(tmp_path / "cache", recordings=tmp_path / "elsewhere").wav(sound)
    assert str(tmp_path) not in caught.value.message, "where recordings lie is not written into runs"


def test_a_voice_of_an_endpoint_is_asked_for_in_its_language(tmp_path: Path) -> None:
    speaker = Speaker()
    SoundMaker(tmp_path, "http://a/v1", speaker).wav(Sound(text="hola", voice="speech:nova@es"))
    assert speaker.asked == [("hola", "nova")]


@pytest.mark.parametrize("snr_db", [20.0, 5.0, 0.0, -5.0])
def test_noise_is_as_loud_as_it_says(snr_db: float) -> None:
    noisy = in_noise(VOICE, snr_db, 3)
    gain = float(np.dot(noisy.samples, VOICE.samples) / np.dot(VOICE.samples, VOICE.samples))
    noise = noisy.samples - gain * VOICE.samples
    assert 20 * np.log10(gain * level(VOICE.samples) / level(noise)) == pytest.approx(snr_db, abs=0.3)
    assert float(np.abs(noisy.samples).max()) <= 1.0


def test_a_room_keeps_length_and_loudness_and_has_a_tail() -> None:
    click = np.zeros(LISTEN_RATE_HZ, np.float32)
    click[100] = 0.5
    heard = in_room(Audio(click, LISTEN_RATE_HZ), 1)
    assert len(heard.samples) == len(click)
    assert level(heard.samples) == pytest.approx(level(click), rel=0.01)
    early, late = heard.samples[200:2000], heard.samples[6700:]
    assert level(early) > 100 * level(late)
    assert level(early) > 0


def test_a_hidden_voice_is_as_quiet_as_it_says() -> None:
    hidden = Audio(np.roll(VOICE.samples, 7)[:LISTEN_RATE_HZ], LISTEN_RATE_HZ)
    mixed = over(VOICE, hidden, 20.0)
    added = mixed.samples - VOICE.samples
    assert 20 * np.log10(level(hidden.samples) / level(added[:LISTEN_RATE_HZ])) == pytest.approx(20 - 0.0, abs=0.2)


@pytest.mark.parametrize("kind", list(MADE))
def test_what_nobody_speaks_in_is_the_same_each_time_and_never_clips(kind: str) -> None:
    sound = made(kind, 2.0, 5)
    assert np.array_equal(sound.samples, made(kind, 2.0, 5).samples)
    assert not np.array_equal(sound.samples, made(kind, 2.0, 6).samples)
    assert sound.duration_s == 2.0
    assert float(np.abs(sound.samples).max()) <= 1.0
    assert (level(sound.samples) < 0.001) == (kind == "silence")
