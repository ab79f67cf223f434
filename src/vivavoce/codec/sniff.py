"""Which container some bytes are, told from the bytes alone, never from a label or a file name.

The answer is one of a fixed list of demuxers, none of which reads anything but the bytes it is given:
playlists, concat scripts, images and subtitles have no name here and so cannot be opened. Also here: the
checks that a container asks for nothing outside itself and announces no more samples than it can hold.
Decodes no sound.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_MP4 = "mov,mp4,m4a,3gp,3g2,mj2"
_MATROSKA = "matroska,webm"
_W64 = bytes.fromhex("726966662e91cf11a5d628db04c10000")
"""Sony's 64-bit WAV begins with a GUID in place of RIFF."""

DEMUXERS = ("wav", "w64", "mp3", "flac", "ogg", "aac", _MP4, _MATROSKA)
"""Every FFmpeg demuxer that `codec` may open."""

_JUNK_BYTES = 65_536
"""How far into the bytes a first MPEG audio frame is looked for, as far as FFmpeg looks itself."""

_CERTAIN_FRAMES = 10
"""So many frame headers in a row are no accident."""

_MP4_FIRST_BOXES = frozenset((b"ftyp", b"styp", b"moov", b"wide", b"free", b"skip", b"mdat"))
_MP4_PARENTS = frozenset(
    (
        b"moov",
        b"moof",
        b"trak",
        b"mdia",
        b"minf",
        b"stbl",
        b"dinf",
        b"edts",
        b"mvex",
        b"traf",
        b"udta",
        b"wide",
        b"hoov",
    )
)
_MP4_DEPTH = 12


class HostileFileError(ValueError):
    """The bytes are of a known container, but it reaches outside itself or lies about its size."""


@dataclass(frozen=True, slots=True)
class Container:
    """What the bytes are. `demuxer` is one of `DEMUXERS`; the container starts `offset` bytes in."""

    demuxer: str
    offset: int = 0


def sniff(data: bytes, *, maybe_raw: bool = False) -> Container | None:
    """The container of `data`, or None where it is none that we decode.

    Leading ID3v2 tags are stepped over, so that pictures and compressed frames in them are never parsed. MPEG and
    ADTS frames have only 11 or 12 bits to know them by. Where the bytes are `maybe_raw` samples, which hold any
    pattern sooner or later, ten such frames must follow each other from the very start.
    """
    start = _skip_id3(data)
    head = data[start : start + 16]
    for magic, demuxer in ((b"fLaC", "flac"), (b"OggS", "ogg"), (b"\x1a\x45\xdf\xa3", _MATROSKA), (_W64, "w64")):
        if head.startswith(magic):
            return Container(demuxer, start)
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64"):
        return Container("wav", start) if head[8:12] == b"WAVE" else None
    if head[4:8] in _MP4_FIRST_BOXES:
        return Container(_MP4, start)
    if maybe_raw:
        frame_bytes = {"mp3": _mpeg_frame_bytes, "aac": _adts_frame_bytes}
        return next(
            (Container(name, start) for name, size in frame_bytes.items() if _in_a_row(data, start, size)), None
        )
    if _adts_frame_bytes(data, start) and _adts_follows(data, start):
        return Container("aac", start)
    offset = _first_mpeg_frame(data, start)
    return None if offset is None else Container("mp3", offset)


def refuse_hostile_mp4(data: bytes) -> None:
    """Refuse an MP4 that names another file, hides its index in zlib or announces more samples than bytes.

    FFmpeg allocates index entries by the announced count before it reads any sample (ISO/IEC 14496-12, 8.6
    and 8.7). Raises `HostileFileError`.
    """
    for kind, start, end in _mp4_boxes(data, 0, len(data), 0):
        if kind == b"cmov":
            raise HostileFileError("its index is compressed")
        if kind == b"dref":
            _refuse_other_files(data, start, end)
        elif kind in _MP4_COUNTS and _mp4_samples(data, kind, start, end) > len(data):
            raise HostileFileError("it announces more samples than it can hold")


_MP4_COUNTS = {b"stsz": 8, b"stz2": 8, b"trun": 4, b"stts": 4, b"ctts": 4}
"""Box type to the offset of its count within the box."""


def _mp4_samples(data: bytes, kind: bytes, start: int, end: int) -> int:
    at = start + _MP4_COUNTS[kind]
    if at + 4 > end:
        return 0
    (count,) = struct.unpack_from(">I", data, at)
    if kind not in (b"stts", b"ctts"):
        return count
    runs = min(count, (end - at - 4) // 8)
    return sum(run for run, _ in struct.iter_unpack(">II", data[at + 4 : at + 4 + 8 * runs]))


def _refuse_other_files(data: bytes, start: int, end: int) -> None:
    for _, body, _ in _mp4_boxes(data, start + 8, end, _MP4_DEPTH):
        flags = data[body + 1 : body + 4]
        if len(flags) == 3 and not flags[2] & 1:  # flag 1: the media is in this very file
            raise HostileFileError("its sound lies in another file")


def _mp4_boxes(data: bytes, start: int, end: int, depth: int) -> Iterator[tuple[bytes, int, int]]:
    """(type, start of body, end of body) of every box, parents first; stops where sizes stop making sense."""
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        body = start + 8
        if size == 1 and body + 8 <= end:
            (size,) = struct.unpack_from(">Q", data, body)
            body += 8
        stop = end if size == 0 else min(start + size, end)
        if stop < body:
            return
        yield kind, body, stop
        if kind in _MP4_PARENTS and depth < _MP4_DEPTH:
            yield from _mp4_boxes(data, body, stop, depth + 1)
        start = stop


def _skip_id3(data: bytes) -> int:
    start = 0
    while data[start : start + 3] == b"ID3" and len(data) >= start + 10:
        size = 0
        for byte in data[start + 6 : start + 10]:
            size = size << 7 | byte & 0x7F
        start += 10 + size + (10 if data[start + 5] & 0x10 else 0)
    return start


def _in_a_row(data: bytes, at: int, frame_bytes: Callable[[bytes, int], int]) -> bool:
    for _ in range(_CERTAIN_FRAMES):
        size = frame_bytes(data, at)
        if not size:
            return False
        at += size
    return True


_MPEG_SYNC = re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb]")  # layer III of MPEG 1, 2 and 2.5
_KBPS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBPS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_RATES_HZ = {0b11: (44_100, 48_000, 32_000), 0b10: (22_050, 24_000, 16_000), 0b00: (11_025, 12_000, 8_000)}


def _first_mpeg_frame(data: bytes, start: int) -> int | None:
    """Where the first MPEG layer III frame starts: at `start`, or where three in a row come after junk."""
    if _mpeg_frames(data, start, 2):
        return start
    for match in _MPEG_SYNC.finditer(data, start, start + _JUNK_BYTES):
        if _mpeg_frames(data, match.start(), 3):
            return match.start()
    return None


def _mpeg_frames(data: bytes, at: int, wanted: int) -> bool:
    """Whether `wanted` frames of one version and rate follow each other; at the end one of two is enough."""
    first = data[at : at + 4]
    for index in range(wanted):
        size = _mpeg_frame_bytes(data, at)
        if not size or data[at + 1] | 1 != first[1] | 1 or data[at + 2] & 0x0C != first[2] & 0x0C:
            return wanted == 2 and index > 0 and at >= len(data) - 4
        at += size
    return True


def _mpeg_frame_bytes(data: bytes, at: int) -> int:
    """Length of the frame at `at`; 0 where there is none (ISO/IEC 11172-3, 2.4.2.3)."""
    head = data[at : at + 4]
    if len(head) < 4 or not _MPEG_SYNC.match(head):
        return 0
    version, kbps_index, rate_index = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    if kbps_index in (0, 15) or rate_index == 3:
        return 0
    kbps = (_KBPS_1 if version == 0b11 else _KBPS_2)[kbps_index]
    bits_per_hz = 144_000 if version == 0b11 else 72_000
    return bits_per_hz * kbps // _RATES_HZ[version][rate_index] + (head[2] >> 1 & 1)


def _adts_frame_bytes(data: bytes, at: int) -> int:
    """Length of the ADTS frame at `at`; 0 where there is none (ISO/IEC 13818-7, 6.2)."""
    head = data[at : at + 7]
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0 or head[2] >> 2 & 0xF > 12:
        return 0
    size = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    return size if size > 7 else 0


def _adts_follows(data: bytes, at: int) -> bool:
    following = at + _adts_frame_bytes(data, at)
    return following >= len(data) - 7 or _adts_frame_bytes(data, following) > 0
