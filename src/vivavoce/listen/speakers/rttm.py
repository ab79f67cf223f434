"""Turns of speakers in RTTM, the format of NIST's Rich Transcription evaluations that scoring tools read."""

from __future__ import annotations

from collections.abc import Iterable

from vivavoce.listen.speakers.base import SpeakerTurn


def rttm(turns: Iterable[SpeakerTurn], recording: str) -> str:
    """One line for each turn. What stands between words in a name becomes an underscore: fields end at spaces."""
    return "".join(
        f"SPEAKER {_field(recording)} 1 {turn.start_s:.3f} {turn.end_s - turn.start_s:.3f} "
        f"<NA> <NA> {_field(turn.speaker)} <NA> <NA>\n"
        for turn in turns
    )


def _field(text: str) -> str:
    return "_".join(text.split()) or "unnamed"
