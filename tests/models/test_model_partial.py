"""A file under construction survives any interruption."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model_workshop import sha256

from vivavoce.models.catalog import ModelFile, Package, Part
from vivavoce.models.partial import PartialFile
from vivavoce.models.sources import SourceFailed


def model_file(pieces: list[bytes]) -> ModelFile:
    package = Package.parse("pip:p==1")
    parts = tuple(Part(package=package, member=str(i), size=len(p), sha256=sha256(p)) for i, p in enumerate(pieces))
    whole = b"".join(pieces)
    return ModelFile(name="f", size=len(whole), sha256=sha256(whole), parts=parts)


@settings(max_examples=80, deadline=None)
@given(
    pieces=st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=5),
    kept=st.integers(0, 200),
    junk=st.binary(max_size=60),
)
def test_whatever_an_interruption_left_behind_the_file_comes_out_whole(pieces: list[bytes], kept: int, junk: bytes):
    whole = b"".join(pieces)
    left_behind = whole[:kept] + junk
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "f")
        path.write_bytes(left_behind)
        partial = PartialFile(path, model_file(pieces))
        kept_bytes = partial.resume()
        assert kept_bytes == path.stat().st_size and whole.startswith(path.read_bytes())
        good_parts = [n for n in range(len(pieces) + 1) if left_behind.startswith(b"".join(pieces[:n]))]
        assert partial.parts_done == max(good_parts)
        for piece in pieces[partial.parts_done :]:
            partial.append(io.BytesIO(piece))
        assert partial.finish().read_bytes() == whole


@pytest.mark.parametrize("bad", [b"abX", b"ab", b"abcd", b""])
def test_a_wrong_part_is_refused_and_leaves_no_trace(tmp_path: Path, bad: bytes):
    partial = PartialFile(tmp_path / "f", model_file([b"123", b"abc"]))
    partial.resume()
    partial.append(io.BytesIO(b"123"))
    with pytest.raises(SourceFailed, match="not what the catalogue says"):
        partial.append(io.BytesIO(bad))
    assert (tmp_path / "f").read_bytes() == b"123"
    partial.append(io.BytesIO(b"abc"))
    assert partial.finish().read_bytes() == b"123abc"
