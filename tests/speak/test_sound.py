"""What is done to a clause's sound after the network: trimming, fading, loudness, and dividing long phoneme strings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.speak.kokoro_symbols import MAX_SYMBOLS, SYMBOL_IDS, encode
from vivavoce.speak.loudness import KNEE, at_gain
from vivavoce.speak.pieces import split_text
from vivavoce.speak.silence import KEEP_AFTER_S, KEEP_BEFORE_S, trim
from vivavoce.speak.stretch import stretch

RATE_HZ = 24_000


def tone(seconds: float, level: float = 0.3, hertz: float = 200.0) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)).astype(np.float32)


def silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * RATE_HZ), np.float32)


def test_silence_around_the_voice_goes_and_a_margin_stays() -> None:
    trimmed = trim(np.concatenate([silence(0.3), tone(0.5), silence(0.4)]), RATE_HZ)
    assert len(trimmed) / RATE_HZ == pytest.approx(0.5 + KEEP_BEFORE_S + KEEP_AFTER_S, abs=0.011)


def test_a_pause_inside_stays() -> None:
    trimmed = trim(np.concatenate([tone(0.3), silence(0.4), tone(0.3)]), RATE_HZ)
    assert len(trimmed) / RATE_HZ == pytest.approx(1.0, abs=0.02)


def test_a_soft_beginning_is_kept() -> None:
    soft = tone(0.1, level=0.3 * 10 ** (-30 / 20))
    trimmed = trim(np.concatenate([silence(0.3), soft, tone(0.3)]), RATE_HZ)
    assert len(trimmed) / RATE_HZ > 0.4


def test_edges_are_faded_so_that_joins_do_not_click() -> None:
    trimmed = trim(tone(0.5, hertz=777.0), RATE_HZ)
    assert abs(trimmed[0]) < 1e-6
    assert abs(trimmed[-1]) < 1e-6
    assert np.abs(np.diff(trimmed)).max() < 0.3 * 2 * np.pi * 777 / RATE_HZ * 1.05


@pytest.mark.parametrize("samples", [silence(0.0), silence(1.0), silence(0.001)])
def test_nothing_but_silence_trims_to_nothing(samples: np.ndarray) -> None:
    assert len(trim(samples, RATE_HZ)) == 0


def test_trim_leaves_its_input_alone() -> None:
    samples = tone(0.2)
    before = samples.copy()
    trim(samples, RATE_HZ)
    assert np.array_equal(samples, before)


def test_gain_is_exact_below_the_knee_and_never_clips_above() -> None:
    quiet, loud = tone(0.1, level=0.2), tone(0.1, level=0.9)
    assert np.allclose(at_gain(quiet, 6.0), quiet * 10 ** (6 / 20), atol=1e-6)
    assert KNEE < np.abs(at_gain(loud, 12.0)).max() < 1.0


def test_bending_keeps_the_order_of_levels() -> None:
    ramp = np.linspace(0, 1.5, 1000, dtype=np.float32)
    bent = at_gain(ramp, 0.0)
    assert np.all(np.diff(bent) >= 0)
    assert np.abs(np.diff(bent)).max() <= 1.5 / 999 * 1.01


def test_the_alphabet_has_the_published_size_and_no_number_twice() -> None:
    assert len(SYMBOL_IDS) == 114
    assert len(set(SYMBOL_IDS.values())) == 114
    assert (SYMBOL_IDS[";"], SYMBOL_IDS["a"], SYMBOL_IDS["ɹ"], SYMBOL_IDS["ˈ"], SYMBOL_IDS["ᵻ"]) == (
        1,
        43,
        123,
        156,
        177,
    )
    assert encode("həlˈO❓") == [50, 83, 54, 156, 31]


@given(st.text(alphabet="ab .,!ˈ", max_size=400), st.integers(5, 60))
def test_pieces_fit_the_limit_and_lose_nothing_but_spaces(phonemes: str, limit: int) -> None:
    pieces = split_text(phonemes, limit)
    assert all(0 < len(piece) <= limit for piece in pieces)
    assert "".join(pieces).replace(" ", "") == phonemes.replace(" ", "")


def test_long_strings_are_divided_after_a_mark_else_between_words() -> None:
    assert split_text("aaa bbb. ccc ddd", 12) == ["aaa bbb.", "ccc ddd"]
    assert split_text("aaa bbb ccc ddd", 12) == ["aaa bbb ccc", "ddd"]
    assert split_text("a" * 1200, MAX_SYMBOLS) == ["a" * 510, "a" * 510, "a" * 180]


@pytest.mark.parametrize("speed", [0.25, 0.5, 0.8, 1.5, 2.0, 3.5])
def test_stretching_changes_the_length_and_keeps_pitch_and_level(speed: float) -> None:
    samples = tone(1.0, level=0.3, hertz=200.0)
    changed = stretch(samples, RATE_HZ, speed)
    assert len(changed) == pytest.approx(len(samples) / speed, rel=0.01)
    middle = changed[len(changed) // 4 : 3 * len(changed) // 4]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert float(np.argmax(spectrum)) * RATE_HZ / len(middle) == pytest.approx(200.0, abs=12.0)
    assert float(np.sqrt(np.mean(middle**2))) == pytest.approx(0.3 / np.sqrt(2), rel=0.1)


def test_stretching_by_one_or_of_almost_nothing_changes_nothing() -> None:
    samples = tone(0.5)
    assert np.array_equal(stretch(samples, RATE_HZ, 1.0), samples)
    assert np.array_equal(stretch(samples[:100], RATE_HZ, 2.0), samples[:100])
