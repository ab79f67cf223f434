"""Subtitle files: SubRip (srt) and WebVTT (vtt) of captions. Shapes only."""

from __future__ import annotations

from collections.abc import Iterable

from vivavoce.listen.base import Segment


def srt(captions: Iterable[Segment]) -> str:
    cues = (
        f"{number}\n{_clock(caption.start_s, ',')} --> {_clock(caption.end_s, ',')}\n{_line(caption)}\n\n"
        for number, caption in enumerate(captions, 1)
    )
    return "".join(cues)


def vtt(captions: Iterable[Segment]) -> str:
    """See https://www.w3.org/TR/webvtt1/: `&`, `<` and `>` mean something in a cue's text."""
    cues = (
        f"{_clock(caption.start_s, '.')} --> {_clock(caption.end_s, '.')}\n{_escaped(_line(caption))}\n\n"
        for caption in captions
    )
    return "WEBVTT\n\n" + "".join(cues)


def _clock(seconds: float, point: str) -> str:
    """00:00:00.000"""
    ms = max(0, round(seconds * 1000))
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}{point}{ms % 1000:03}"


def _line(caption: Segment) -> str:
    """In srt an arrow within the text would be read as times."""
    return " ".join(caption.text.split()).replace("-->", "→")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
