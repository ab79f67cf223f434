"""Audio, usage, conversation and the error tree."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest

from vivavoce.audio import Audio
from vivavoce.conversation import AudioPart, Message, TextPart
from vivavoce.errors import InvalidRequest, VivaError, all_errors
from vivavoce.listen.base import Heard, Segment
from vivavoce.usage import Usage, audio_input_tokens, audio_output_tokens

HEAVY = ("ctranslate2", "faster_whisper", "xllamacpp", "onnxruntime", "misaki", "av", "openai", "fastapi", "torch")


@pytest.mark.parametrize(
    ("seconds", "rate_hz", "tokens"),
    [(6.96, 16_000, 69), (4.488, 16_000, 44), (0.099, 16_000, 0), (0.1, 16_000, 1), (3600, 16_000, 36_000)],
)
def test_audio_in_costs_one_token_per_whole_tenth_of_a_second(seconds: float, rate_hz: int, tokens: int) -> None:
    assert audio_input_tokens(Audio.silence(seconds, rate_hz)) == tokens


def test_audio_out_costs_one_token_per_whole_twentieth_of_a_second() -> None:
    assert audio_output_tokens(24_000, 24_000) == 20
    assert audio_output_tokens(24_000 // 20 - 1, 24_000) == 0


def test_usage_adds_up() -> None:
    usage = Usage(3, 20, 1, 7, 40)
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (23, 47, 70)


def test_audio_refuses_what_is_not_mono_float32() -> None:
    for samples in (np.zeros(4, np.int16), np.zeros((2, 4), np.float32)):
        with pytest.raises(ValueError, match="float32"):
            Audio(samples, 16_000)


def test_pcm16_goes_round_and_clips() -> None:
    audio = Audio(np.array([0.0, 0.5, -0.5, 2.0, -2.0], np.float32), 24_000)
    back = Audio.from_pcm16(audio.to_pcm16(), 24_000)
    assert np.allclose(back.samples, [0, 0.5, -0.5, 1, -1], atol=1e-4)


def test_message_text_leaves_sound_out() -> None:
    message = Message("user", (TextPart("a"), AudioPart(Audio.silence(1, 16_000)), TextPart("b")))
    assert message.text == "a\nb"
    assert message.has_audio


def test_heard_takes_the_language_of_most_speech_and_skips_silence() -> None:
    heard = Heard.of(
        [
            Segment("Hallo.", 0, 1, "de", 0.6, 0.1),
            Segment("", 1, 9, None, 0.0, 0.9),
            Segment("Good morning to you.", 9, 12, "en", 0.9, 0.2),
        ],
        12.0,
    )
    assert heard.transcript == "Hallo. Good morning to you."
    assert (heard.language, heard.language_probability, heard.no_speech_probability) == ("en", 0.9, 0.1)
    assert Heard.of([], 5.0).language is None


def test_every_error_has_a_status_and_a_type() -> None:
    tree = all_errors()
    assert len(tree) > 15
    for cls in tree.values():
        assert 400 <= cls.status < 600
        assert cls.type
        assert issubclass(cls, VivaError)
    assert all(cls.status == 400 for cls in tree.values() if issubclass(cls, InvalidRequest))


def test_importing_the_package_and_its_flow_loads_no_engine_library() -> None:
    script = (
        "import sys, vivavoce, vivavoce.turn, vivavoce.cli, vivavoce.engines.process, vivavoce.settings\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_is_quick() -> None:
    times_s = []
    for _ in range(3):
        started_s = time.perf_counter()
        done = subprocess.run([sys.executable, "-m", "vivavoce.cli", "--help"], capture_output=True, check=True)
        times_s.append(time.perf_counter() - started_s)
    assert b"serve" in done.stdout
    assert min(times_s) < 0.5
