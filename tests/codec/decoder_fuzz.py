"""Mutated recordings against the decoder, in a process of its own: `python decoder_fuzz.py EXAMPLES [FILE …]`.

FILEs are recordings to mutate besides our own. What an example does to the process (crash, hang, memory) is seen
by whoever started it: the example that runs lies in the file named by VIVA_FUZZ_LAST.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
from codec_signals import channels, silence, voice, wav, write
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from vivavoce.audio import Audio
from vivavoce.codec.decode import decode
from vivavoce.codec.encode import FORMATS, StreamEncoder, encode
from vivavoce.errors import VivaError

LIMIT_S = 60.0
MOST_SECONDS = 4.0
MOST_MEMORY_BYTES = 300 << 20
"""What one process may take on top of what it took before the first example."""

EDGES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFE, 0xFFFF_FFFF, 0x0FFF_FFFF)
LANDMARKS = tuple(
    b"fmt |fact|data|ds64|Info|Xing|LAME|fLaC|OggS|OpusHead|OpusTags|\x01vorbis|ftyp|moov|mvhd|tkhd|elst|mdhd|dref|"
    b"stsd|esds|mp4a|alac|stts|stsc|stsz|stco|co64|trun|tfhd|tfdt|mdat|\x1aE\xdf\xa3|\x1fC\xb6u|\x16T\xaek|\xaeW".split(
        b"|"
    )
)
"""Names that sizes and counts stand beside."""


def seeds() -> dict[str, bytes]:
    """Short recordings in every container and codec that we decode, of several rates and channel counts."""
    sound = voice(0.4)
    made = {f"our {fmt}": encode(sound, fmt) for fmt in FORMATS}
    for fmt in FORMATS:
        stream = StreamEncoder(fmt)
        made[f"our streamed {fmt}"] = stream.feed(sound) + stream.finish()
    for rate_hz, count in ((8_000, 1), (44_100, 2), (48_000, 6), (48_000, 8)):
        many = channels(voice(0.3, rate_hz), count)
        for muxer, codec in (
            ("wav", "pcm_s24le"),
            ("wav", "pcm_f32le"),
            ("flac", "flac"),
            ("ogg", "flac"),
            ("adts", "aac"),
            ("mp4", "aac"),
            ("mov", "pcm_s16le"),
            ("matroska", "aac"),
        ):
            made[f"{muxer} {codec} {rate_hz} x{count}"] = write(many, rate_hz, muxer, codec)
        if count <= 2:
            made[f"alac {rate_hz} x{count}"] = write(many, rate_hz, "ipod", "alac")
            made[f"mp3 {rate_hz} x{count}"] = write(many, rate_hz, "mp3", "libmp3lame")
            for codec in ("adpcm_ms", "adpcm_ima_wav", "pcm_alaw", "pcm_u8"):
                made[f"wav {codec} {rate_hz} x{count}"] = write(many, rate_hz, "wav", codec)
        if rate_hz != 44_100:
            for muxer in ("ogg", "webm", "mp4"):
                made[f"{muxer} opus {rate_hz} x{count}"] = write(many, rate_hz, muxer, "libopus")
    one = channels(voice(0.5, 48_000), 1)
    fragments = "frag_keyframe+empty_moov+default_base_moof"
    made["fragmented mp4"] = write(one, 48_000, "mp4", "aac", movflags=fragments, frag_duration="100000")
    made["live webm"] = write(one, 48_000, "webm", "libopus", live="1")
    made["a minute of nothing"] = silence(60, 8_000, "flac", "flac")
    made["wav of odd rate"] = wav(sound.to_pcm16(), rate_hz=384_000)
    return made


Edit = Callable[[bytes], bytes]


def _at(where: float, data: bytes) -> int:
    return int(where * len(data))


def _overwrite(where: float, patch: bytes, data: bytes) -> bytes:
    at = _at(where, data)
    return data[:at] + patch + data[at + len(patch) :]


def _poke(at: int, patch: bytes, data: bytes) -> bytes:
    return data[:at] + patch + data[at + len(patch) :]


def _poke_beside(name: bytes, nth: int, offset: int, patch: bytes, data: bytes) -> bytes:
    """Overwrite near the nth place where `name` stands, where sizes and counts are."""
    at = -1
    for _ in range(nth + 1):
        found = data.find(name, at + 1)
        if found < 0:
            break
        at = found
    return data if at < 0 else _poke(max(0, at + offset), patch, data)


def _flip(where: float, bit: int, data: bytes) -> bytes:
    if not data:
        return data
    at = min(_at(where, data), len(data) - 1)
    return _poke(at, bytes([data[at] ^ 1 << bit]), data)


def _cut(a: float, b: float, data: bytes) -> bytes:
    start, end = sorted((_at(a, data), _at(b, data)))
    return data[:start] + data[end:]


def _keep(a: float, b: float, data: bytes) -> bytes:
    start, end = sorted((_at(a, data), _at(b, data)))
    return data[start:end]


def _repeat(a: float, b: float, times: int, data: bytes) -> bytes:
    start, end = sorted((_at(a, data), _at(b, data)))
    return data[:end] + data[start:end] * times + data[end:]


def _insert(where: float, patch: bytes, data: bytes) -> bytes:
    at = _at(where, data)
    return data[:at] + patch + data[at:]


def _splice(a: float, other: bytes, b: float, data: bytes) -> bytes:
    return data[: _at(a, data)] + other[_at(b, other) :]


def _sizes() -> st.SearchStrategy[bytes]:
    return st.builds(
        lambda value, width, order: (value & (1 << 8 * width) - 1).to_bytes(width, order),
        st.sampled_from(EDGES),
        st.sampled_from((1, 2, 4, 8)),
        st.sampled_from(("little", "big")),
    )


def edits(files: Mapping[str, bytes]) -> st.SearchStrategy[Edit]:
    where = st.one_of(st.floats(0, 1), st.floats(0, 0.05), st.floats(0.97, 1))
    other = st.sampled_from(sorted(files)).map(files.__getitem__)
    return st.one_of(
        st.builds(partial, st.just(_flip), where, st.integers(0, 7)),
        st.builds(partial, st.just(_overwrite), where, st.one_of(_sizes(), st.binary(min_size=1, max_size=8))),
        st.builds(partial, st.just(_poke), st.integers(0, 300), st.one_of(_sizes(), st.binary(min_size=1, max_size=4))),
        st.builds(
            partial,
            st.just(_poke_beside),
            st.sampled_from(LANDMARKS),
            st.integers(0, 3),
            st.integers(-8, 40),
            _sizes(),
        ),
        st.builds(partial, st.just(_cut), where, where),
        st.builds(partial, st.just(_keep), st.just(0.0), where),
        st.builds(partial, st.just(_keep), where, where),
        st.builds(partial, st.just(_repeat), where, where, st.integers(1, 6)),
        st.builds(partial, st.just(_insert), where, st.integers(1, 5_000).map(bytes)),
        st.builds(partial, st.just(_insert), st.one_of(st.just(1.0), where), other),
        st.builds(partial, st.just(_splice), where, other, where),
    )


def check(data: bytes, declared: str | None) -> str:
    """Sound within the limits, or an error that says what is wrong with the file, in little time: which of them."""
    began_s = time.perf_counter()
    try:
        heard = decode(data, max_duration_s=LIMIT_S, declared=declared)
    except VivaError as error:
        assert 400 <= error.status < 500, error
        outcome = type(error).__name__
    else:
        outcome = "sound"
        assert isinstance(heard, Audio)
        assert 0 < heard.duration_s <= LIMIT_S
        assert np.all(np.abs(heard.samples) <= 1.0)
    assert time.perf_counter() - began_s < MOST_SECONDS
    return outcome


def run(examples: int, derandomize: bool, files: Mapping[str, bytes], last: Path) -> None:
    outcomes: Counter[str] = Counter()
    known = dict(files) | seeds()
    for data in known.values():
        check(data, None)
    before_bytes = _peak_bytes()
    allowed = _virtual_bytes() + (1 << 30)
    resource.setrlimit(resource.RLIMIT_AS, (allowed, allowed))

    @settings(
        max_examples=examples,
        derandomize=derandomize,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    @given(
        name=st.sampled_from(sorted(known)),
        changes=st.lists(edits(known), min_size=1, max_size=6),
        declared=st.sampled_from((None, "wav", "pcm16")),
    )
    def mutated(name: str, changes: list[Edit], declared: str | None) -> None:
        data = known[name]
        for change in changes:
            data = change(data)[: 1 << 20]
        last.write_bytes(data)
        signal.setitimer(signal.ITIMER_REAL, 5 * MOST_SECONDS)  # SIGALRM ends the process, wherever it hangs
        outcomes[check(data, declared)] += 1
        signal.setitimer(signal.ITIMER_REAL, 0)
        assert _peak_bytes() - before_bytes < MOST_MEMORY_BYTES

    mutated()
    print(dict(outcomes))


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _virtual_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


if __name__ == "__main__":
    recordings = {path: Path(path).read_bytes() for path in sys.argv[2:]}
    run(int(sys.argv[1]), "VIVA_FUZZ_EXAMPLES" not in os.environ, recordings, Path(os.environ["VIVA_FUZZ_LAST"]))
