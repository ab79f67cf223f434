"""Tone over a conversation: each utterance beside what is known of its own speaker, and no other."""

from __future__ import annotations

from vivavoce.listen.base import Heard, Segment
from vivavoce.listen.manner import Prosody, Voicing
from vivavoce.listen.tone import ToneOfConversation, tone_by_speaker
from vivavoce.testing import ScriptedTone


def heard(*seconds: float, voiced: bool = True) -> Heard:
    voicings = [Voicing(Prosody(100.0, 4.0, -20.0, 4.0, 0, 0.0), each, (), ()) if voiced else None for each in seconds]
    return Heard("yes", "en", 1.0, 0.0, 9.0, tuple(Segment("yes", 0, 1, "en", 1.0, 0.0, voicing=v) for v in voicings))


async def test_all_are_by_one_where_nobody_knows_better() -> None:
    reader = ScriptedTone("anger")
    conversation = ToneOfConversation(reader)
    first, second = await conversation.of(heard(1, 2)), await conversation.of(heard(3))
    assert reader.asked == [(2, 0), (1, 2)]
    assert [tone.seconds for tone in (*first.tones, *second.tones)] == [1, 2, 3]


async def test_each_speaker_is_read_apart() -> None:
    reader = ScriptedTone("fear")
    conversation = ToneOfConversation(reader)
    first = await conversation.of(heard(1, 2, 3), ["A", "B", "A"])
    await conversation.of(heard(4, 5), ["B", "C"])
    assert reader.asked == [(2, 0), (1, 0), (1, 1), (1, 0)]
    assert [tone.seconds for tone in first.tones] == [1, 2, 3]
    by_speaker = tone_by_speaker(first.tones, ["A", "B", "A"])
    assert {name: tone.seconds for name, tone in by_speaker.items()} == {"A": 4, "B": 2}


async def test_a_listener_that_takes_no_voicings_has_no_tones() -> None:
    reader = ScriptedTone("anger")
    assert (await ToneOfConversation(reader).of(heard(1, voiced=False))).tones == ()
    assert (await ToneOfConversation(None).of(heard(1))).tones == ()
    assert reader.asked == []
