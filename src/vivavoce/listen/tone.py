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

    They are taken to be by one speaker. `reader` None: no tone is read.
    """

    def __init__(self, reader: ToneReader | None) -> None:
        self._reader = reader
        self._known: list[Voicing] = []

    async def of(self, heard: Heard) -> Heard:
        """`heard` with its tones, where every segment has a voicing. Raises `EngineFailed`."""
        voicings = [segment.voicing for segment in heard.segments if segment.voicing is not None]
        if self._reader is None or not voicings or len(voicings) < len(heard.segments):
            return heard
        tones = await self._reader.read(voicings, self._known)
        self._known += voicings
        return replace(heard, tones=tuple(tones))
