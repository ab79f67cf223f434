"""Subtitle files: SubRip (srt) and WebVTT (vtt) of captions. Shapes only."""

from __future__ import annotations

from collections.abc import Iterable

from vivavoce.listen.base import Segment
from vivavoce.listen.captions import columns

LINE_COLUMNS = 42
"""Wider captions are broken into lines of about this width, as subtitling guidelines ask for."""


def srt(captions: Iterable[Segment]) -> str:
    cues = (
        f"{number}\n{_times(caption, ',')}\n{_named(caption, _lines(caption))}\n\n"
        for number, caption in enumerate(captions, 1)
    )
    return "".join(cues)


def vtt(captions: Iterable[Segment]) -> str:
    """See https://www.w3.org/TR/webvtt1/: `&`, `<` and `>` mean something in a cue's text."""
    cues = (f"{_times(caption, '.')}\n{_voice(caption)}{_escaped(_lines(caption))}\n\n" for caption in captions)
    return "WEBVTT\n\n" + "".join(cues)


def _times(caption: Segment, point: str) -> str:
    return f"{_clock(caption.start_s, point)} --> {_clock(caption.end_s, point)}"


def _clock(seconds: float, point: str) -> str:
    """00:00:00.000"""
    ms = max(0, round(seconds * 1000))
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}{point}{ms % 1000:03}"


def _lines(caption: Segment) -> str:
    """In srt an arrow within the text would be read as times."""
    return "\n".join(balanced(" ".join(caption.text.split()).replace("-->", "→")))


def _named(caption: Segment, text: str) -> str:
    return text if caption.speaker is None else f"{caption.speaker}: {text}"


def _voice(caption: Segment) -> str:
    return "" if caption.speaker is None else f"<v {_escaped(' '.join(caption.speaker.split()))}>"


def balanced(text: str) -> list[str]:
    """One line, or where that is too wide two of nearly the same width. Broken between words, where there are any."""
    if columns(text) <= LINE_COLUMNS:
        return [text]
    spaces = [at for at, character in enumerate(text) if character == " "]
    places = spaces or range(1, len(text))
    middle = min(places, key=lambda at: max(columns(text[:at]), columns(text[at:])))
    return [text[:middle].rstrip(), text[middle:].lstrip()]


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
