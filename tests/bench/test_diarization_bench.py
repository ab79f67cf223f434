"""The bench of speakers: conversations whose truth is known, halves that share nobody, and the error rate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vivavoce.audio import LISTEN_RATE_HZ, Samples
from vivavoce.bench.clips import Clip
from vivavoce.bench.conversations import STEP_SAMPLES, Conversation, conversations, overlap_share
from vivavoce.bench.diarization import ErrorRate, baseline, baseline_spans, half_of, read_rttm, speech_flags
from vivavoce.errors import InvalidValue
from vivavoce.listen.speakers.base import SpeakerTurn
from vivavoce.listen.speakers.rttm import rttm

CLIPS = [
    Clip(
        f"{collection}/{speaker}{number}",
        Path(f"{collection}-{speaker}{number}"),
        "en",
        "",
        f"{collection}-{speaker}",
        4.0,
    )
    for collection in ("one", "two", "three", "four")
    for speaker in "abcd"
    for number in range(6)
]


def decode(clip: Clip) -> Samples:
    """A tone of the speaker's own between silences of half a second."""
    times = np.arange(3 * LISTEN_RATE_HZ) / LISTEN_RATE_HZ
    tone = np.sin(2 * np.pi * (200 + 100 * ord((clip.speaker or "a")[-1])) * times)
    silence = np.zeros(LISTEN_RATE_HZ // 2)
    return np.concatenate([silence, tone, silence]).astype(np.float32)


def spoken(samples: Samples) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    steps = len(samples) // STEP_SAMPLES
    return np.abs(samples[: steps * STEP_SAMPLES].reshape(steps, STEP_SAMPLES)).max(axis=1) > 0.1


def test_conversations_are_what_their_truth_says() -> None:
    made = conversations(CLIPS, 15, decode, spoken, seed=4)
    again = conversations(CLIPS, 15, decode, spoken, seed=4)
    assert [one.id for one in made] == [one.id for one in again]
    assert all(np.array_equal(one.samples, other.samples) for one, other in zip(made, again, strict=True))
    assert {one.speakers for one in made} == {2, 3, 4}
    assert {one.id.rsplit("-", 1)[0] for one in made} == {"one", "two", "three", "four", "mixed"}
    assert np.mean([overlap_share(one.truth) for one in made]) >= 0.08
    for one in made:
        loud = np.abs(one.samples) > 0.02
        told = np.zeros(len(one.samples), np.bool_)
        for turn in one.truth:
            told[round(turn.start_s * LISTEN_RATE_HZ) : round(turn.end_s * LISTEN_RATE_HZ)] = True
        assert loud[told].mean() > 0.5
        assert loud[~told].mean() < 0.05


def test_nobody_is_in_both_halves() -> None:
    tune, report = half_of(CLIPS, "tune"), half_of(CLIPS, "report")
    assert not {(c.collection, c.speaker) for c in tune} & {(c.collection, c.speaker) for c in report}
    assert len(tune) + len(report) == len(half_of(CLIPS, "all")) == len(CLIPS)
    with pytest.raises(InvalidValue, match="two speakers"):
        conversations(CLIPS[:6], 1, decode, spoken)


def test_the_overlap_is_a_share_of_speech() -> None:
    assert overlap_share([SpeakerTurn("a", 0, 4), SpeakerTurn("b", 3, 5)]) == pytest.approx(0.2)
    assert overlap_share([]) == 0.0


def test_speech_goes_on_until_it_is_clearly_over() -> None:
    flags = speech_flags(np.array([0.1, 0.2, 0.6, 0.4, 0.4, 0.2, 0.4, 0.1], np.float32))
    assert flags.tolist() == [False, True, True, True, True, True, False, False]


def test_the_error_rate_is_that_of_the_standard() -> None:
    truth = (SpeakerTurn("x", 0.0, 4.0), SpeakerTurn("y", 4.0, 8.0), SpeakerTurn("x", 7.0, 10.0))
    talk = Conversation("t-0", np.zeros(10 * LISTEN_RATE_HZ, np.float32), truth, 2)
    rates = ErrorRate()
    assert rates.add("t", talk, [SpeakerTurn("B", 0.0, 4.0), SpeakerTurn("A", 4.0, 8.0), SpeakerTurn("B", 7, 10)]) == 0
    one = [SpeakerTurn("A", 0.0, 10.0)]
    assert rates.add("t", talk, one) == pytest.approx((1 + 3) / 11)  # second voice missed for 1 s, y for x for 3 s
    row, whole = rates.rows()
    assert (row.recordings, row.counted, row.total_s) == (2, 1, pytest.approx(22.0))
    assert whole.rate == row.rate == pytest.approx(4 / 22)


def test_rttm_is_read_as_it_is_written(tmp_path: Path) -> None:
    turns = (SpeakerTurn("A", 0.5, 2.0), SpeakerTurn("B", 1.5, 4.25))
    path = tmp_path / "a.rttm"
    path.write_text(";; a comment\n" + rttm(turns, "a"))
    assert read_rttm(path) == turns
    path.write_text("SPEAKER a 1 x y\n")
    with pytest.raises(InvalidValue, match="line 1"):
        read_rttm(path)


def test_the_baseline_gives_each_moment_to_one_speaker() -> None:
    speech = np.ones(100, np.bool_)
    spans = baseline_spans(speech, 0.1)
    assert spans[0] == (0.0, 1.5) and spans[-1][1] == 10.0
    voices = [np.eye(2, dtype=np.float32)[0 if start_s < 5 else 1] for start_s, _ in spans]
    first, second = baseline(spans, voices)
    assert (first.end_s, second.end_s) == (second.start_s, 10.0)
    assert first.end_s == pytest.approx(5.0, abs=0.8)
    assert baseline([], []) == ()
