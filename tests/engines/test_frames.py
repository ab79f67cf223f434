"""What crosses the process boundary comes out as it went in."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from vivavoce.audio import Audio
from vivavoce.conversation import AudioPart, JsonForm, Message, Sampling, TextPart, Tool, ToolCall, Tools
from vivavoce.engines import frames
from vivavoce.errors import ContextLengthExceeded, TooBusy, all_errors
from vivavoce.listen.base import Chunking, ListenOptions, Segment, TokenHeard, Word
from vivavoce.listen.manner import Prosody, Tone, Voicing
from vivavoce.think.base import CallDelta, TextDelta, ThoughtEnd, TokenLogprob


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        0.25,
        "größer 🎉",
        {"a": [1, 2]},
        TextDelta("hi"),
        ThoughtEnd("stop", 10, 3, 2),
        Sampling(0.5, None, 7, ("a", "b"), 10),
        Sampling(logit_bias={17: -100.0}, top_logprobs=2, form=JsonForm({"type": "object"}, "x", strict=False)),
        Sampling(
            tools=Tools((Tool("f", "Does f.", {"type": "object"}, strict=True), Tool("g")), "required", ("g",), False)
        ),
        Message("assistant", (), (ToolCall("c1", "f", '{"a": 1}'),)),
        Message("tool", (TextPart("x"),), call_id="c1"),
        CallDelta(1, '{"a"', "f"),
        TextDelta("hi", (TokenLogprob("h", -0.5, b"h", (TokenLogprob("g", -1.5, b"\xf0"),)),)),
        ListenOptions("de", None, False),
        ListenOptions(None, "x", True, "translate", ("de",), ("Kraków",), True, 0.5, Chunking(0.5, None, 0.3)),
        Segment("ä", 0.0, 1.0, "de", 0.9, 0.1, tokens=(1, 2), token_logprobs=(TokenHeard((0xC3,), -0.5),)),
        Message.of("user", "hello"),
        Voicing(Prosody(None, 0.0, -20.0, 3.5, 1, 0.25), 2.5, (0.5, -1.0), (0.25,)),
        Tone((("anger", 0.75), ("neutral", 0.25)), Prosody(110.0, 4.0, -20.0, 3.5, 1, 0.25), 2.5),
        Segment("a b", 0.0, 1.0, "en", 0.9, 0.1, (Word("a", 0.0, 0.5, 0.9), Word("b", 0.5, 1.0, 0.8)), -0.1),
    ],
)
def test_values_go_round(value: object) -> None:
    assert frames.unpack(frames.pack(value)) == value


def test_sound_goes_round_inside_a_message() -> None:
    audio = Audio(np.linspace(-1, 1, 999, dtype=np.float32), 16_000)
    back = frames.unpack(frames.pack([Message("user", (TextPart("x"), AudioPart(audio, "messages[0]")))]))[0]
    assert back.parts[0] == TextPart("x")
    assert back.parts[1].param == "messages[0]"
    assert np.array_equal(back.parts[1].audio.samples, audio.samples)
    assert back.parts[1].audio.rate_hz == 16_000


def test_numbers_of_a_native_library_become_plain_ones() -> None:
    assert frames.unpack(frames.pack(Word("a", np.float32(0.5), np.float64(1.0), 1.0))) == Word("a", 0.5, 1.0, 1.0)


@pytest.mark.parametrize("cls", list(all_errors().values()), ids=lambda cls: cls.__name__)
def test_every_error_of_the_tree_keeps_its_class_and_fields(cls: type) -> None:
    error = cls("what to do")
    error.param = "messages"
    back = frames.unpack(frames.pack(error))
    assert type(back) is cls
    assert vars(back) == vars(error)
    assert str(back) == "what to do"


def test_an_estimate_of_the_wait_survives() -> None:
    assert frames.unpack(frames.pack(TooBusy("later", retry_after_s=4.0))).retry_after_s == 4.0


def test_anything_else_is_refused() -> None:
    with pytest.raises(TypeError, match="does not cross"):
        frames.pack(object())


async def test_frames_are_read_one_by_one_until_the_other_side_goes() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(frames.encode((1, "item", TextDelta("a"))) + frames.encode((2, "done", None)) + b"\x00\x00")
    reader.feed_eof()
    assert await frames.read(reader) == (1, "item", TextDelta("a"))
    assert await frames.read(reader) == (2, "done", None)
    assert await frames.read(reader) is None


def test_a_lost_error_class_is_still_an_error() -> None:
    packed = frames.pack(ContextLengthExceeded("too long"))
    assert isinstance(frames.unpack(packed.replace(b"ContextLengthExceeded", b"ContextLengthEscaped?")), Exception)
