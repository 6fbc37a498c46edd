"""Read weights saved by torch, without torch, with a reader that can load nothing but tensors.

A `.pth` in torch's first format (before 1.6, 2020) is a series of pickles, and a pickle may call
anything. Only the names that build ordered dictionaries and tensors are allowed here; any other
aborts the reading before it is called. The format: a magic number, a protocol number, facts about
the machine, the tensors as views of storages, the storages' names, and then each storage as its
length and its values, little-endian.
"""

from __future__ import annotations

import io
import math
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import IO, Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from rtaction.errors import ModelMissing, ModelUnreadable

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
# Tensors may share a storage, but not so many that a small file fills the memory.
_MOST_BYTES_PER_BYTE_OF_FILE = 4


class _Refused(Exception):
    """The reason why a file is rejected."""


# A pickle may set the state of its objects, including frozen dataclasses, but not of tuples.


class _StorageType(NamedTuple):
    dtype: str


_STORAGE_TYPES = {
    "FloatStorage": _StorageType("<f4"),
    "DoubleStorage": _StorageType("<f8"),
    "HalfStorage": _StorageType("<f2"),
    "LongStorage": _StorageType("<i8"),
    "IntStorage": _StorageType("<i4"),
}


class _Storage(NamedTuple):
    """A series of values that comes later in the file."""

    key: str
    dtype: np.dtype[Any]
    num_values: int


class _Tensor(NamedTuple):
    """A view of a storage; sizes and strides count values."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _RebuildTensor:
    __slots__ = ()  # nothing that a pickle could set

    def __call__(
        self, storage: Any, offset: Any, shape: Any, strides: Any, requires_grad: Any, hooks: Any
    ) -> _Tensor:
        if not isinstance(storage, _Storage) or len(shape) != len(strides):
            raise _Refused("a tensor in it is not described as in torch")
        numbers = (offset, *shape, *strides)
        if not all(type(number) is int and number >= 0 for number in numbers):
            raise _Refused(f"a tensor in it has the shape {shape} and the strides {strides}")
        return _Tensor(storage, offset, tuple(shape), tuple(strides))


class _TensorUnpickler(pickle.Unpickler):
    _ALLOWED: ClassVar[dict[tuple[str, str], Any]] = {
        ("collections", "OrderedDict"): OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): _RebuildTensor(),
        **{("torch", name): kind for name, kind in _STORAGE_TYPES.items()},
    }

    def find_class(self, module: str, name: str, /) -> Any:
        """Only the parts of tensors; the pickle would call whatever it is given."""
        allowed = self._ALLOWED.get((module, name))
        if allowed is None:
            raise _Refused(f"it asks for {module}.{name}, which is not part of a tensor")
        return allowed

    def persistent_load(self, pid: Any, /) -> _Storage:
        """A storage: ("storage", its type, its name, its device, its length, None)."""
        match pid:
            case ("storage", _StorageType(dtype), str(key), _, int(num_values), None):
                return _Storage(key, np.dtype(dtype), num_values)
        raise _Refused("a storage in it is not described as in torch")


def read_torch_weights(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Read a state dictionary in torch's first format.

    Args:
        path: the file.

    Returns:
        The tensors by name, in the file's order, each a new array.

    Raises:
        ModelMissing: there is no such file.
        ModelUnreadable: it has another format, is damaged, or asks for anything but tensors.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ModelMissing(f"there is no weights file {path}") from None
    except OSError as error:
        raise ModelUnreadable(f"cannot read the weights {path}: {error}") from None
    try:
        return _read(content)
    except (_Refused, pickle.UnpicklingError, EOFError, ValueError, TypeError, KeyError) as reason:
        raise ModelUnreadable(
            f"{path} is not a file of torch weights that can be read: {reason}"
        ) from None
    except (AttributeError, IndexError, OverflowError, MemoryError, RecursionError) as reason:
        # Other exceptions that a damaged pickle can raise.
        raise ModelUnreadable(f"{path} is damaged: {reason}") from None


def _read(content: bytes) -> dict[str, npt.NDArray[Any]]:
    file = io.BytesIO(content)
    if content[:2] == b"PK":
        raise _Refused("it is in torch's later format, a zip archive")
    if _load(file) != _MAGIC or _load(file) != _PROTOCOL:
        raise _Refused("it does not start as torch's first format does")
    _load(file)  # facts about the machine that wrote it
    tensors, keys = _load(file), _load(file)
    if not isinstance(tensors, dict) or not isinstance(keys, list):
        raise _Refused("it contains no dictionary of tensors")
    named = list(dict.items(tensors))  # a pickle may give an OrderedDict another `items`
    storages = _storages([tensor for _, tensor in named])
    values = {}
    for key in keys:
        if key not in storages:
            raise _Refused(f"no tensor uses the storage {key!r}")
        values[key] = _read_storage(file, storages[key])
    arrays = {}
    bytes_left = _MOST_BYTES_PER_BYTE_OF_FILE * len(content)
    for name, tensor in named:
        arrays[str(name)] = array = _view(tensor, values)
        bytes_left -= array.nbytes
        if bytes_left < 0:
            raise _Refused(f"its tensors would take far more than its {len(content)} bytes")
    return arrays


def _storages(tensors: list[Any]) -> dict[str, _Storage]:
    storages: dict[str, _Storage] = {}
    for tensor in tensors:
        if not isinstance(tensor, _Tensor):
            raise _Refused("it contains something other than tensors")
        storage = tensor.storage
        if storages.setdefault(storage.key, storage) != storage:
            raise _Refused(f"the storage {storage.key!r} is described in two ways")
    return storages


def _load(file: IO[bytes]) -> Any:
    return _TensorUnpickler(file).load()


def _read_storage(file: io.BytesIO, storage: _Storage) -> npt.NDArray[Any]:
    (num_values,) = np.frombuffer(file.read(8), "<i8", count=1)
    num_left = (len(file.getbuffer()) - file.tell()) // storage.dtype.itemsize
    if not 0 <= num_values == storage.num_values <= num_left:
        raise _Refused(
            f"a storage should have {storage.num_values} values, is declared with {num_values}, "
            f"and the file has {num_left} left"
        )
    return np.frombuffer(file.read(int(num_values) * storage.dtype.itemsize), storage.dtype)


def _view(tensor: _Tensor, storages: dict[str, npt.NDArray[Any]]) -> npt.NDArray[Any]:
    values = storages.get(tensor.storage.key)
    if values is None:
        raise _Refused(f"the storage {tensor.storage.key!r} is missing")
    last = tensor.offset + sum(
        (size - 1) * stride for size, stride in zip(tensor.shape, tensor.strides, strict=True)
    )
    is_empty = 0 in tensor.shape
    if math.prod(tensor.shape) > len(values) or not (is_empty or last < len(values)):
        raise _Refused(
            f"a tensor of shape {tensor.shape} does not fit into a storage of {len(values)} values"
        )
    strides = [stride * values.itemsize for stride in tensor.strides]
    view = np.lib.stride_tricks.as_strided(values[tensor.offset :], tensor.shape, strides)
    return np.array(view)
