"""Checkpoints are read without PyTorch, and nothing that lies in them is ever run."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vivavoce.errors import EngineFailed, ModelNotInstalled
from vivavoce.listen.speakers.fbank import KaldiFbank
from vivavoce.listen.speakers.tensors import read_tensors

VALUES = np.arange(12, dtype="<f4")


class Storage:
    def __init__(self, kind: str) -> None:
        self.kind = kind


class Named:
    """Pickles as the global that it names."""

    def __init__(self, module: str, name: str, *arguments: Any) -> None:
        self.module, self.name, self.arguments = module, name, arguments


class Writer(pickle._Pickler):
    def persistent_id(self, obj: Any) -> Any:
        return ("storage", Named("torch", obj.kind), "0", "cpu", 12) if isinstance(obj, Storage) else None

    def save(self, obj: Any, save_persistent_id: bool = True) -> Any:
        if isinstance(obj, Named):
            self.write(b"c" + f"{obj.module}\n{obj.name}\n".encode())
            if obj.arguments:
                self.save(obj.arguments)
                self.write(b"R")
            return None
        return super().save(obj, save_persistent_id)


def tensor(offset: int, shape: tuple[int, ...], strides: tuple[int, ...], kind: str = "FloatStorage") -> Named:
    return Named("torch._utils", "_rebuild_tensor_v2", Storage(kind), offset, shape, strides, False, OrderedDict())


def checkpoint(path: Path, content: Any) -> Path:
    pickled = io.BytesIO()
    Writer(pickled, protocol=2).dump(content)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickled.getvalue())
        archive.writestr("archive/data/0", VALUES.tobytes())
    return path


@pytest.mark.parametrize("nested", [False, True])
def test_tensors_are_read_in_their_shape(tmp_path: Path, nested: bool) -> None:
    state = {"a": tensor(0, (3, 4), (4, 1)), "turned": tensor(0, (4, 3), (1, 4)), "last": tensor(11, (1,), (1,))}
    content = {"state_dict": state, "more": Named("pyannote.audio.core.task", "Problem", 1)} if nested else state
    read = read_tensors(checkpoint(tmp_path / "model.bin", content))
    assert set(read) == {"a", "turned", "last"}
    assert np.array_equal(read["a"], VALUES.reshape(3, 4))
    assert np.array_equal(read["turned"], VALUES.reshape(3, 4).T)
    assert read["last"].tolist() == [11.0]


def test_nothing_in_a_checkpoint_is_run(tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    command = Named("os", "system", f"touch {witness}")
    read_tensors(checkpoint(tmp_path / "model.bin", {"a": tensor(0, (12,), (1,)), "evil": command}))
    assert not witness.exists()


@pytest.mark.parametrize(
    "evil",
    [
        tensor(1, (12,), (1,)),
        tensor(-1, (2,), (1,)),
        tensor(0, (2,), (-1,)),
        tensor(0, (1 << 40,), (1,)),
        tensor(0, (4, 4), (1, 1 << 40)),
        tensor(0, (2,), (1,), kind="QuantisedStorage"),
    ],
)
def test_tensors_beyond_their_storage_are_refused(tmp_path: Path, evil: Named) -> None:
    with pytest.raises(EngineFailed, match="no checkpoint"):
        read_tensors(checkpoint(tmp_path / "model.bin", {"a": evil}))


def test_what_is_no_checkpoint_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelNotInstalled, match="viva models pull"):
        read_tensors(tmp_path / "nothing.bin")
    (tmp_path / "text.bin").write_text("no zip file")
    with pytest.raises(EngineFailed, match="no checkpoint"):
        read_tensors(tmp_path / "text.bin")


def test_features_follow_the_pitch_and_the_loudness_of_a_tone() -> None:
    fbank = KaldiFbank(80)
    times = np.arange(16_000) / 16_000
    low, high = (fbank(np.sin(2 * np.pi * hz * times).astype(np.float32)) for hz in (300, 3000))
    assert low.shape == high.shape == (98, 80)
    mel = 1127 * np.log1p(np.array([20.0, 300.0, 3000.0, 8000.0]) / 700)
    for features, target in ((low, mel[1]), (high, mel[2])):
        band = (target - mel[0]) / (mel[3] - mel[0]) * 81 - 1
        assert abs(int(features.mean(axis=0).argmax()) - band) <= 1
    louder = fbank((2 * np.sin(2 * np.pi * 300 * times)).astype(np.float32))
    assert (louder - low)[:, int(low.mean(axis=0).argmax())].mean() == pytest.approx(np.log(4), abs=0.01)
    assert fbank(np.zeros(399, np.float32)).shape == (0, 80)
