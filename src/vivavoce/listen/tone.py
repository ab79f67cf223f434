"""The tone contract: one verb, `read`, over utterances of one speaker, plus `close`; and tone over a conversation.

Knows no engine. Utterances come as `Voicing`s, which a listener takes where it hears; what is said in them is not known
here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from vivavoce.listen.base import Heard
from vivavoce.listen.manner import Tone, Voicing


class ToneReader(Protocol):
    """A tone engine. Safe to call from several tasks at once."""

    async def read(self, utterances: Sequence[Voicing], known: Sequence[Voicing] = ()) -> list[Tone]:
        """The tone of each utterance, which are all by one speaker, told from how that speaker sounds otherwise.

        known: what else is known of the speaker. The other utterances count as known for each. Raises `EngineFailed`.
        """
        ...

    async def close(self) -> None: ...


class ToneOfConversation:
    """Reads the tone of recording after recording of one conversation, each beside those before it.

    `reader` None: no tone is read.
    """

    def __init__(self, reader: ToneReader | None) -> None:
        self._reader = reader
        self._known: dict[str, list[Voicing]] = {}

    async def of(self, heard: Heard, speakers: Sequence[str] | None = None) -> Heard:
        """`heard` with its tones, where every segment has a voicing. Raises `EngineFailed`.

        speakers: who says each segment, by a name that holds through the conversation; None: all are by one.
        """
        voicings = [segment.voicing for segment in heard.segments if segment.voicing is not None]
        if self._reader is None or not voicings or len(voicings) < len(heard.segments):
            return heard
        names = [""] * len(voicings) if speakers is None else speakers
        tones: dict[int, Tone] = {}
        for name in dict.fromkeys(names):
            places = [place for place, own in enumerate(names) if own == name]
            known = self._known.setdefault(name, [])
            own = [voicings[place] for place in places]
            tones |= dict(zip(places, await self._reader.read(own, known), strict=True))
            known += own
        return replace(heard, tones=tuple(tones[place] for place in range(len(voicings))))


def tone_by_speaker(tones: Sequence[Tone], speakers: Sequence[str]) -> dict[str, Tone]:
    """The tone of each speaker over all utterances by that speaker, in the order in which they first speak."""
    own: dict[str, list[Tone]] = {}
    for tone, name in zip(tones, speakers, strict=True):
        own.setdefault(name, []).append(tone)
    return {name: whole for name, each in own.items() if (whole := Tone.over(each)) is not None}
