"""Mutated recordings against the decoder, in a process of their own, and what such runs have found.

A few hundred examples, the same each time; `VIVA_FUZZ_EXAMPLES=20000` runs so many new ones.
"""

from __future__ import annotations

import ast
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from codec_signals import silence

from vivavoce.codec.decode import decode
from vivavoce.errors import UnsupportedFormat

PROGRAM = Path(__file__).with_name("decoder_fuzz.py")
EXAMPLES = int(os.environ.get("VIVA_FUZZ_EXAMPLES", "300"))

linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="bounds memory by Linux's own means")


def _fuzz(folder: Path, examples: int, recordings: Sequence[Path] = ()) -> dict[str, int]:
    """Runs the program; how often each outcome came. Whatever ends it is told with the bytes that did it."""
    last = folder / "last-example"
    command = [sys.executable, str(PROGRAM), str(examples), *map(str, recordings)]
    environment = {**os.environ, "VIVA_FUZZ_LAST": str(last), "PYTHONPATH": os.pathsep.join(sys.path)}
    limit_s = 100 + examples / 10
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=limit_s, cwd=folder)
    if done.returncode:
        end = signal.Signals(-done.returncode).name if done.returncode < 0 else f"exit {done.returncode}"
        example = last.read_bytes().hex() if last.is_file() else "none"
        pytest.fail(f"{end}\n{done.stderr[-3000:]}\nthe example, in hex: {example[:4000]}")
    return ast.literal_eval(done.stdout)


@linux_only
@pytest.mark.timeout(7200)
def test_mutated_recordings_do_no_harm(tmp_path: Path) -> None:
    outcomes = _fuzz(tmp_path, EXAMPLES)
    assert (
        outcomes["sound"] > EXAMPLES // 10
    )  # neither side is all there is, else the mutations are too mild or too wild
    assert outcomes["UnsupportedFormat"] > EXAMPLES // 10


@linux_only
@pytest.mark.shared
@pytest.mark.timeout(7200)
def test_mutated_human_recordings_do_no_harm(tmp_path: Path, shared_speech: Path) -> None:
    recordings = sorted((shared_speech / "fsdd_en" / "audio").glob("*.flac"))[::200][:5]
    assert _fuzz(tmp_path, max(100, EXAMPLES // 4), recordings)["sound"] > 10


def test_the_child_is_watched(tmp_path: Path) -> None:
    """A run that fails is told, with its example."""
    with pytest.raises(pytest.fail.Exception, match="exit 1"):
        _fuzz(tmp_path, 1, [tmp_path / "missing"])


# ---------------------------------------------------------------- findings


def _crumbs(count: int, codec: str, packet: bytes, per_ms: int) -> bytes:
    """A Matroska file of many tiny packets."""
    sink = io.BytesIO()
    with av.open(sink, "w", format="matroska") as container:
        stream = container.add_stream(codec, rate=8_000, layout="mono")
        for at in range(count):
            crumb = av.Packet(packet)
            crumb.stream, crumb.time_base = stream, Fraction(1, 1000)
            crumb.pts = crumb.dts = at // per_ms
            container.mux(crumb)
    return sink.getvalue()


@pytest.mark.parametrize("per_ms", [8, 1], ids=["true times", "times that lie"])
def test_crumbs_of_sound_are_refused_early(per_ms: int) -> None:
    """A sample a packet: 25 MB of them would take minutes to take apart."""
    data = _crumbs(60_000, "pcm_u8", b"\x80", per_ms)
    began_s = time.perf_counter()
    with pytest.raises(UnsupportedFormat, match="too little sound each"):
        decode(data)
    assert time.perf_counter() - began_s < 3.0


def test_the_finest_opus_is_no_crumbs() -> None:
    data = silence(10, 48_000, "ogg", "libopus", kbps=6, frame_duration="2.5")
    assert decode(data).duration_s == pytest.approx(10.0)


def test_resampled_raw_samples_stay_in_range() -> None:
    """Found by the fuzzer: a loud square wave overshoots where it is resampled."""
    square = np.tile(np.array([32767] * 7 + [-32768] * 5, "<i2"), 500).tobytes()
    heard = decode(square, declared="pcm16")
    assert np.abs(heard.samples).max() == 1.0
