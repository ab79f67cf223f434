"""What was heard, in every format that `viva transcribe` writes; the server's shapes where there are any."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from vivavoce.listen.base import Heard, Segment
from vivavoce.listen.captions import captions
from vivavoce.listen.speakers.assigning import merged, utterances
from vivavoce.listen.speakers.rttm import rttm
from vivavoce.server.wire.subtitles import srt, vtt
from vivavoce.server.wire.transcription import diarized, verbose
from vivavoce.usage import Usage

BY_THE_MINUTE = "whisper-1"
"""Nobody counts tokens here: what is told of usage is the duration."""


def _text(heard: Heard, _: str) -> str:
    """A line for each stretch that was heard, or for what each speaker says."""
    said = list(merged(utterances(heard)))
    if len({speaker for speaker, _ in said}) > 1:
        return "".join(f"{speaker}: {text}\n" for speaker, text in said)
    return "".join(f"{segment.text.strip()}\n" for segment in heard.segments)


def _json(heard: Heard, _: str) -> str:
    return _dumped({"text": heard.transcript, "language": heard.language, "duration": round(heard.duration_s, 3)})


def _verbose(heard: Heard, _: str) -> str:
    return _dumped(verbose(heard, {"word", "segment"}, task="transcribe"))


def _diarized(heard: Heard, _: str) -> str:
    return _dumped(diarized(BY_THE_MINUTE, heard, Usage()))


def _srt(heard: Heard, _: str) -> str:
    return srt(_captions(heard))


def _vtt(heard: Heard, _: str) -> str:
    return vtt(_captions(heard))


def _captions(heard: Heard) -> list[Segment]:
    """With a name in each, where more than one speaks."""
    said = utterances(heard)
    if len({each.speaker for each in said}) < 2:
        return [part for segment in heard.segments for part in captions(segment)]
    return [part for each in said for part in captions(replace(each.segment, speaker=each.speaker))]


def _rttm(heard: Heard, name: str) -> str:
    return rttm(heard.speakers, name)


def _dumped(body: object) -> str:
    return json.dumps(body, ensure_ascii=False, indent=1) + "\n"


FORMATS: dict[str, tuple[str, Callable[[Heard, str], str]]] = {
    "txt": (".txt", _text),
    "json": (".json", _json),
    "verbose_json": (".verbose.json", _verbose),
    "diarized_json": (".diarized.json", _diarized),
    "srt": (".srt", _srt),
    "vtt": (".vtt", _vtt),
    "rttm": (".rttm", _rttm),
}
"""Format -> the ending of its files, and what writes it: of what was heard, and the recording's name."""

TELL_SPEAKERS = ("diarized_json", "rttm")
