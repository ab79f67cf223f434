"""The head's arithmetic, on a small one whose right answers can be told by hand; and the heads that are shipped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vivavoce.errors import EngineFailed, InvalidValue
from vivavoce.listen.manner import Prosody, Tone, Voicing
from vivavoce.listen.prosody import FEATURES
from vivavoce.listen.tone_head import HEADS, HeadWeights, ToneHead, heads

PROSODY = Prosody(120.0, 4.0, -20.0, 4.0, 0, 0.0)
MEANS = np.array([[4.0, 0.0], [0.0, 0.0]], np.float32)  # anger, neutral, in two measurements
MEASURES = 2


@pytest.fixture
def head() -> HeadWeights:
    return HeadWeights(
        ("anger", "neutral"),
        np.zeros(MEASURES, np.float32),
        np.ones(MEASURES, np.float32),
        MEANS.T.copy(),
        MEANS @ MEANS.T,
        np.array([0.5, 1.0], np.float32),
        neutral_prior=1.0,
        temperature=1.0,
        relevance=1.0,
    )


def told(head: HeadWeights, *rows: tuple[float, float]) -> list[float]:
    """The probability of anger."""
    return head.probabilities(head.projected(np.array(rows, np.float32)))[:, 0].tolist()


def test_an_emotion_is_told_at_any_of_its_intensities(head: HeadWeights) -> None:
    acted, mild, calm = told(head, (4.0, 0.0), (2.0, 0.0), (0.0, 0.0))
    assert acted > 0.99
    assert mild == pytest.approx((0.5 + 0.5 * np.exp(-2)) / (0.5 + 0.5 * np.exp(-2) + np.exp(-2)), abs=1e-5)
    assert calm == pytest.approx(
        (0.5 * np.exp(-2) + 0.5 * np.exp(-8)) / (1 + 0.5 * np.exp(-2) + 0.5 * np.exp(-8)), abs=1e-5
    )


def test_what_no_emotion_lies_in_changes_nothing(head: HeadWeights) -> None:
    assert told(head, (1.0, 0.0)) == told(head, (1.0, 100.0))


def test_temperature_brings_probabilities_towards_what_was_likely_before(head: HeadWeights) -> None:
    assert 0.5 < told(replace(head, temperature=5.0), (4.0, 0.0))[0] < told(head, (4.0, 0.0))[0]


def test_a_voice_that_always_sounds_so_is_not_angry(head: HeadWeights) -> None:
    shrill = head.projected(np.array([[1.2, 0.0]] * 8, np.float32))
    none = np.zeros((0, 2), np.float32)
    alone = head.probabilities(head.in_company(shrill[:1], none))[0, 0]
    in_company = head.probabilities(head.in_company(shrill[:1], shrill[1:]))[0, 0]
    assert in_company < alone
    among_its_own = head.probabilities(head.in_company(shrill, none))[0, 0]
    assert among_its_own == pytest.approx(in_company, abs=1e-5)


def test_what_is_known_of_a_speaker_does_not_hide_an_outburst(head: HeadWeights) -> None:
    known = head.projected(np.zeros((8, 2), np.float32))
    outburst = head.projected(np.array([[4.0, 0.0]], np.float32))
    assert head.probabilities(head.in_company(outburst, known))[0, 0] > 0.99


def test_weights_come_back_as_they_were_saved(head: HeadWeights, tmp_path: Path) -> None:
    head.save(tmp_path / "small.npz")
    again = HeadWeights.load(tmp_path / "small.npz")
    assert again.emotions == head.emotions
    assert told(again, (2.0, 0.0)) == told(head, (2.0, 0.0))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b"no weights"),
        lambda path: np.savez(path, emotions=np.array(["anger"])),
        lambda path: np.savez(path, emotions=np.array([{"a": "pickle"}], dtype=object)),
    ],
)
def test_a_file_that_is_no_head_is_refused(spoil: object, tmp_path: Path) -> None:
    assert callable(spoil)
    spoil(tmp_path / "bad.npz")
    with pytest.raises(EngineFailed, match="no tone head"):
        HeadWeights.load(tmp_path / "bad.npz")


@pytest.mark.parametrize("name", heads())
def test_every_head_that_is_shipped_loads_and_is_small(name: str) -> None:
    files = [HEADS / f"{name}.npz", *(HEADS / "unseen" / name).glob("*.npz")]
    assert len(files) > 5
    assert sum(file.stat().st_size for file in files) < 2_000_000
    for file in files:
        head = HeadWeights.load(file)
        assert {"anger", "fear", "neutral"} <= set(head.emotions)
        assert len(head.mean) > len(FEATURES)


def test_a_listener_without_a_head_is_named() -> None:
    with pytest.raises(InvalidValue, match="no tone head for 'whisper-medium'"):
        ToneHead.for_listener("whisper-medium")


async def test_states_of_another_encoder_are_refused() -> None:
    with pytest.raises(EngineFailed, match="another encoder"):
        await ToneHead.for_listener("whisper-base").read([Voicing(PROSODY, 1.0, (0.0,) * len(FEATURES), (0.0,) * 7)])


def tone(seconds: float, **emotions: float) -> Tone:
    return Tone(tuple(emotions.items()), PROSODY, seconds)


def test_a_tone_says_how_aroused_pleased_and_urgent_it_is() -> None:
    found = tone(1.0, anger=0.5, fear=0.25, neutral=0.25)
    assert found.emotion == "anger"
    assert found.arousal == pytest.approx(0.5 * 0.59 + 0.25 * 0.60)
    assert found.valence == pytest.approx(-0.5 * 0.51 - 0.25 * 0.64)
    assert found.urgency == 0.75


def test_utterances_weigh_by_their_length() -> None:
    whole = Tone.over([tone(3.0, anger=1.0, neutral=0.0), tone(1.0, anger=0.0, neutral=1.0)])
    assert whole is not None
    assert (whole.probability("anger"), whole.seconds) == (0.75, 4.0)
    assert Tone.over([]) is None
