"""Tensors of a PyTorch checkpoint, read without PyTorch and without running anything that is in it.

A checkpoint is a zip file: a pickle that names tensors, and the bytes of each beside it. The pickle may make nothing
but dictionaries, tensors and inert records; whatever else it asks for is put in as an inert record too, so that no
code of the file's choosing ever runs. Knows no network.
"""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from vivavoce.errors import EngineFailed, ModelNotInstalled

Tensor = npt.NDArray[np.float32]
Tensors = Mapping[str, Tensor]
"""By name, each in its own shape."""

_TYPES = {"FloatStorage": np.dtype("<f4"), "HalfStorage": np.dtype("<f2"), "LongStorage": np.dtype("<i8")}


class _Inert:
    """Stands for an object of a class that we do not load."""

    def __init__(self, *_: object) -> None: ...

    def __setstate__(self, _: object) -> None: ...

    def __setitem__(self, _: object, __: object) -> None: ...


class _StorageType:
    """Stands for one of PyTorch's storage classes, by name."""

    def __init__(self, name: str) -> None:
        self.name = name


class _Reader(pickle.Unpickler):
    def __init__(self, archive: zipfile.ZipFile, pickled: str) -> None:
        super().__init__(archive.open(pickled))
        self._archive = archive
        self._folder = pickled.removesuffix("data.pkl")

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        if (module_name, global_name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module_name, global_name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        return _StorageType(global_name) if global_name in _TYPES else _Inert

    def persistent_load(self, pid: Any) -> npt.NDArray[Any]:
        _, storage_type, key, *_ = pid
        if not isinstance(storage_type, _StorageType):
            raise pickle.UnpicklingError("a tensor of a type that we do not read")
        data = self._archive.read(f"{self._folder}data/{key}")
        return np.frombuffer(data, _TYPES[storage_type.name])


def _tensor(
    storage: npt.NDArray[Any], offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object
) -> Any:
    """A view into its storage, bounds checked: the file is not trusted."""
    reach = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True)) + 1
    if offset < 0 or min((*shape, 1)) < 1 or min((*strides, 0)) < 0 or reach > len(storage):
        raise pickle.UnpicklingError("a tensor reaches beyond its storage")
    bytes_apart = tuple(stride * storage.itemsize for stride in strides)
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, bytes_apart, writeable=False)


def read_tensors(path: Path) -> Tensors:
    """All floating-point tensors of the checkpoint at `path`: of the file itself, or of its `state_dict`.

    Raises `ModelNotInstalled` when the file is missing and `EngineFailed` when it is no such checkpoint.
    """
    if not path.is_file():
        raise ModelNotInstalled(f"No model at {path}: run `viva models pull`.")
    try:
        with zipfile.ZipFile(path) as archive:
            pickled = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
            read: Any = _Reader(archive, pickled).load()
    except Exception as error:
        raise EngineFailed(f"{path} is no checkpoint that we can read: {type(error).__name__}.") from error
    named: dict[str, Any] = cast("dict[str, Any]", read) if isinstance(read, dict) else {}
    state: dict[str, Any] = named.get("state_dict", named)
    return {
        name: np.ascontiguousarray(value, np.float32)
        for name, value in state.items()
        if isinstance(value, np.ndarray) and cast("npt.NDArray[Any]", value).dtype.kind == "f"
    }


Read = Callable[[str], Tensor]
"""A tensor by its name in the checkpoint."""
