"""From windows of voices to speakers, and from speakers to who says what: pure, with made-up voices."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings, strategies

from vivavoce.listen.base import Heard, Segment, Word
from vivavoce.listen.speakers.assigning import attributed, merged, utterances
from vivavoce.listen.speakers.base import (
    CENTRE_S,
    FRAME_S,
    HOP_FRAMES,
    Embedding,
    SpeakerOptions,
    SpeakerTurn,
    VoiceTrace,
    VoiceWindow,
    overlaps,
)
from vivavoce.listen.speakers.channels import as_one
from vivavoce.listen.speakers.clustering import BLOCK, Leniency, clustered
from vivavoce.listen.speakers.gathering import POLICY, gather, letters
from vivavoce.listen.speakers.rttm import rttm

DIMENSIONS = 32
FRAMES = 589


def voices(count: int, seed: int = 3) -> list[Embedding]:
    """Voices with nothing in common."""
    square, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((DIMENSIONS, DIMENSIONS)))
    return [row.astype(np.float32) for row in square[:count]]


def near(voice: Embedding, chance: np.random.Generator, off: float = 0.1) -> Embedding:
    moved = voice + off * chance.standard_normal(len(voice)).astype(np.float32)
    return (moved / np.linalg.norm(moved)).astype(np.float32)


def heard_window(first: int, traces: Sequence[VoiceTrace], at_once: npt.NDArray[np.int64]) -> VoiceWindow:
    """With no doubt about how many speak."""
    return VoiceWindow(first, tuple(traces), (at_once > 0).astype(np.float32), (at_once > 1).astype(np.float32))


def heard_in(
    turns: Sequence[tuple[int, float, float]], known: Sequence[Embedding], length_s: float
) -> list[VoiceWindow]:
    """What a perfect engine would trace: each window numbers its voices anew."""
    chance = np.random.default_rng(5)
    windows: list[VoiceWindow] = []
    for start in range(0, max(1, int(length_s / FRAME_S) - FRAMES + HOP_FRAMES), HOP_FRAMES):
        frames = min(FRAMES, int(length_s / FRAME_S) - start)
        order = chance.permutation(len(known))
        traces: list[VoiceTrace] = []
        at_once = np.zeros(frames, np.int64)
        for who, begin_s, end_s in turns:
            first = max(0, round((begin_s - CENTRE_S) / FRAME_S) - start)
            end = min(frames, round((end_s - CENTRE_S) / FRAME_S) - start)
            if end > first:
                alone_s = (end - first) * FRAME_S
                voice = near(known[who], chance) if alone_s > 0.3 else np.zeros(0, np.float32)
                traces.append(VoiceTrace(int(order[who]), first, end, alone_s, voice))
                at_once[first:end] += 1
        windows.append(heard_window(start, traces, at_once))
    return windows


TALK = [
    (0, 0.5, 4.0),
    (1, 4.2, 9.0),
    (2, 9.3, 14.0),
    (0, 14.2, 19.0),
    (1, 18.5, 22.0),
    (2, 22.1, 22.4),
    (0, 23.0, 29.0),
]


def test_speakers_are_found_counted_and_timed() -> None:
    turns = gather(heard_in(TALK, voices(3), 30.0))
    assert [turn.speaker for turn in turns] == ["A", "B", "C", "A", "B", "C", "A"]
    for turn, (_, start_s, end_s) in zip(turns, TALK, strict=True):
        assert (turn.start_s, turn.end_s) == pytest.approx((start_s, end_s), abs=POLICY.linger_s + 2 * FRAME_S)
    assert overlaps(turns) == [pytest.approx((18.5, 19.0), abs=2 * FRAME_S)]


def test_known_speakers_have_their_names_and_nobody_else_has() -> None:
    first, second, third, stranger = voices(4)
    known = {"Ada": second, "B": stranger, "Bo": first}
    turns = gather(heard_in(TALK, [first, second, third], 30.0), SpeakerOptions(known))
    assert [turn.speaker for turn in turns] == ["Bo", "Ada", "A", "Bo", "Ada", "A", "Bo"]


def test_a_known_name_is_given_to_nobody_else() -> None:
    turns = gather(heard_in(TALK, voices(3), 30.0), SpeakerOptions({"A": voices(3)[1]}))
    assert [turn.speaker for turn in turns][:3] == ["B", "A", "C"]


@pytest.mark.parametrize("count", [1, 2])
def test_a_count_that_is_known_is_kept_to(count: int) -> None:
    turns = gather(heard_in(TALK, voices(3), 30.0), SpeakerOptions(count=count))
    assert len({turn.speaker for turn in turns}) == count


def test_nobody_is_nobody() -> None:
    silence = np.zeros(FRAMES, np.int64)
    assert gather([]) == gather([heard_window(0, (), silence)]) == ()
    unknown = VoiceTrace(0, 0, 20, 0.3, np.zeros(0, np.float32))
    assert gather([heard_window(0, (unknown,), silence)]) == ()


def told(spoken: Sequence[float], overlapped: float = 0.0) -> list[tuple[str, float, float]]:
    """The turns where a first voice is heard for 200 frames, a second one for 200 from frame 150 on, by as many windows
    as `spoken` names probabilities of speech."""
    own = [VoiceTrace(number, 150 * number, 150 * number + 200, 2.5, voice) for number, voice in enumerate(voices(2))]
    inside = (np.arange(FRAMES) < 350).astype(np.float32)
    both = np.zeros(FRAMES, np.float32)
    both[150:200] = overlapped
    heard = [VoiceWindow(0, tuple(own), np.float32(each) * inside, both) for each in spoken]
    return [(turn.speaker, turn.start_s, turn.end_s) for turn in gather(heard)]


def seconds(frame: int) -> float:
    return frame * FRAME_S + CENTRE_S - FRAME_S / 2


@pytest.mark.parametrize("spoken", [[0.9], [0.9, 0.6], [0.75, 0.7, 0.7]])
def test_somebody_speaks_where_windows_are_sure_together(spoken: list[float]) -> None:
    (first, _, change_s), (second, begin_s, end_s) = told(spoken)
    assert (first, second) == ("A", "B")
    assert begin_s == pytest.approx(change_s, abs=2 * FRAME_S)
    assert end_s == pytest.approx(seconds(350) + POLICY.linger_s, abs=2 * FRAME_S)


@pytest.mark.parametrize("spoken", [[0.6], [0.9, 0.4]])
def test_nobody_speaks_where_windows_are_unsure_together(spoken: list[float]) -> None:
    assert told(spoken) == []


@pytest.mark.parametrize(("overlapped", "for_s"), [(0.3, 0.0), (0.5, seconds(50) - seconds(0))])
def test_two_speak_where_it_is_probable_enough(overlapped: float, for_s: float) -> None:
    turns = [SpeakerTurn(*turn) for turn in told([0.9, 0.9], overlapped)]
    assert sum(end_s - start_s for start_s, end_s in overlaps(turns)) == pytest.approx(for_s, abs=2 * FRAME_S)


@pytest.mark.parametrize(
    ("weight", "alike", "found"), [(0.1, 0.28, 2), (0.1, 0.15, 3), (50.0, 0.28, 3), (50.0, 0.4, 2)]
)
def test_what_is_heard_little_of_is_joined_more_readily(weight: float, alike: float, found: int) -> None:
    first, second, third = voices(3)
    like_first = alike * first + np.sqrt(1 - alike**2) * third
    rows = np.stack([first, second, like_first]).astype(np.float32)
    labels = clustered(rows, np.array([50, 50, weight], np.float32), 0.33, lenient=Leniency(0.1, 12.0))
    assert len(set(labels.tolist())) == found
    assert (labels[0] == labels[2]) == (found == 2)


def test_an_hour_of_many_stretches_is_clustered_in_blocks() -> None:
    chance = np.random.default_rng(1)
    known = voices(4)
    truth = chance.integers(0, 4, 3 * BLOCK)
    rows = np.stack([near(known[who], chance) for who in truth])
    labels = clustered(rows, np.ones(len(rows), np.float32), 0.33)
    assert len(set(zip(truth.tolist(), labels.tolist(), strict=True))) == len(set(labels.tolist())) == 4


def test_letters_go_on_after_z() -> None:
    assert list(islice(letters(), 24, 29)) == ["Y", "Z", "AA", "AB", "AC"]


def segment(text: str, times: Sequence[tuple[float, float]]) -> Segment:
    words = tuple(Word(word, *time, 0.9, 1) for word, time in zip(text.split(), times, strict=True))
    return Segment(text, times[0][0], times[-1][1], "en", 0.9, 0.1, words)


def evenly(text: str, start_s: float = 0.0, word_s: float = 0.5) -> Segment:
    return segment(text, [(start_s + n * word_s, start_s + (n + 1) * word_s) for n in range(len(text.split()))])


def said(turns: Sequence[SpeakerTurn], *segments: Segment) -> list[tuple[str, str]]:
    heard = Heard.of(segments, 10.0)
    whole = Heard(heard.transcript, "en", 1.0, 0.0, 10.0, heard.segments, speakers=tuple(turns))
    return [(each.speaker, each.segment.text) for each in utterances(whole)]


SPEAKING = [
    ("a change", [("A", 0, 1), ("B", 1, 2)], "yes it is", [("A", "yes it"), ("B", "is")]),
    ("a change between words", [("A", 0, 1.1), ("B", 1.1, 3)], "a b c d", [("A", "a b"), ("B", "c d")]),
    ("a stray word", [("A", 0, 1), ("B", 1, 1.5), ("A", 1.5, 4)], "a b c d e", [("A", "a b c d e")]),
    ("beside all turns", [("A", 5, 6)], "too early", [("A", "too early")]),
    ("between turns", [("A", 0, 0.4), ("B", 0.9, 2)], "one two three", [("A", "one"), ("B", "two three")]),
    ("two at once", [("A", 0, 3), ("B", 0.5, 1.0)], "a b c d", [("A", "a b c d")]),
    ("nobody", [], "who was that", []),
]


@pytest.mark.parametrize(("turns", "text", "expected"), [row[1:] for row in SPEAKING], ids=[row[0] for row in SPEAKING])
def test_words_go_to_who_speaks(
    turns: list[tuple[str, float, float]], text: str, expected: list[tuple[str, str]]
) -> None:
    assert said([SpeakerTurn(*turn) for turn in turns], evenly(text)) == expected


def test_a_short_answer_between_pauses_is_no_slip() -> None:
    turns = [SpeakerTurn("A", 0, 1), SpeakerTurn("B", 1.5, 2.0), SpeakerTurn("A", 2.5, 4)]
    talk = segment("is it yes it is", [(0, 0.5), (0.5, 1.0), (1.5, 2.0), (2.5, 3.0), (3.0, 4.0)])
    assert said(turns, talk) == [("A", "is it"), ("B", "yes"), ("A", "it is")]


def test_segments_without_words_go_whole() -> None:
    bare = Segment("hello there", 0.0, 2.0, "en", 0.9, 0.1)
    assert said([SpeakerTurn("A", 0, 0.5), SpeakerTurn("B", 0.5, 2)], bare) == [("B", "hello there")]


def test_the_thinker_is_told_who_says_what_where_several_speak() -> None:
    first, second = evenly("how are you"), evenly("fine and you", 2.0)
    turns = (SpeakerTurn("A", 0, 1.5), SpeakerTurn("Bo", 2.0, 3.5))
    heard = Heard("how are you fine and you", "en", 1.0, 0.0, 4.0, (first, second), speakers=turns)
    assert attributed(heard) == "Speaker A: how are you\nSpeaker Bo: fine and you"
    assert list(merged(utterances(heard))) == [("A", "how are you"), ("Bo", "fine and you")]
    alone = Heard("how are you", "en", 1.0, 0.0, 2.0, (first,), speakers=turns[:1])
    assert attributed(alone) == "how are you"


def test_channels_become_one_hearing() -> None:
    left = Heard.of([evenly("hello is anybody there"), evenly("good", 6.0)], 8.0)
    right = Heard.of([evenly("yes I am here", 1.5)], 8.0)
    whole = as_one({"Agent": left, "Caller": right})
    assert whole.transcript == "hello is anybody there yes I am here good"
    assert [(each.speaker, each.segment.text) for each in utterances(whole)] == [
        ("Agent", "hello is anybody there"),
        ("Caller", "yes I am here"),
        ("Agent", "good"),
    ]
    assert [(turn.speaker, turn.start_s, turn.end_s) for turn in whole.speakers] == [
        ("Agent", 0.0, 2.0),
        ("Caller", 1.5, 3.5),
        ("Agent", 6.0, 6.5),
    ]
    assert as_one({"A": Heard.of([], 3.0)}).transcript == ""


def test_rttm_lines_have_ten_fields() -> None:
    lines = rttm([SpeakerTurn("Ada Lovelace", 1.25, 2.0), SpeakerTurn("B", 2.0, 3.5)], "my meeting").splitlines()
    assert lines == [
        "SPEAKER my_meeting 1 1.250 0.750 <NA> <NA> Ada_Lovelace <NA> <NA>",
        "SPEAKER my_meeting 1 2.000 1.500 <NA> <NA> B <NA> <NA>",
    ]


@pytest.mark.parametrize(("count", "turns"), [(1, 1), (2, 2)])
def test_a_window_in_which_no_voice_is_clear_is_given_to_the_only_speaker_or_to_nobody(count: int, turns: int) -> None:
    known = voices(count)
    windows = heard_in([(who, 3.0 * who, 3.0 * who + 2.5) for who in range(count)], known, 9.9)
    murmur = VoiceTrace(0, 10, 20, 20 * FRAME_S, np.zeros(0, np.float32))
    speaking = (np.arange(FRAMES) < 20).astype(np.int64)
    found = gather([*windows, heard_window(FRAMES, (murmur,), speaking)])
    assert len({turn.speaker for turn in found}) == turns
    assert (found[-1].start_s > FRAMES * FRAME_S) is (count == 1)


@settings(max_examples=200, deadline=None)
@given(data=strategies.data())
def test_whatever_windows_hold_turns_come_out_in_order(data: strategies.DataObject) -> None:
    known = [*voices(3), np.zeros(0, np.float32)]
    frames = strategies.integers(0, FRAMES - 200)
    trace = strategies.builds(
        lambda voice, first, length, who: VoiceTrace(voice, first, first + length, length * FRAME_S, known[who]),
        strategies.integers(0, 2),
        frames,
        strategies.integers(1, 200),
        strategies.integers(0, 3),
    )
    rows = data.draw(strategies.lists(strategies.lists(trace, max_size=4), max_size=4))
    count = data.draw(strategies.sampled_from([None, 1, 2, 4]))
    at_once = np.array(data.draw(strategies.lists(strategies.integers(0, 2), min_size=3, max_size=3))).repeat(200)
    windows = [heard_window(number * FRAMES, row, at_once[:FRAMES]) for number, row in enumerate(rows)]
    found = gather(windows, SpeakerOptions({"Ann": known[0]}, count))
    assert [turn.start_s for turn in found] == sorted(turn.start_s for turn in found)
    assert all(turn.start_s < turn.end_s for turn in found)
