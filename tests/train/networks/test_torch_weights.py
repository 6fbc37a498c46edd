from __future__ import annotations

import os
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from rtaction.errors import ModelMissing, ModelUnreadable
from rtaction.train.networks import torch_weights
from rtaction.train.networks.torch_weights import read_torch_weights

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001


class _Named:
    """Pickles as a global name, such as torch.FloatStorage."""

    def __init__(self, name: str) -> None:
        self.name = name


class _Tensor:
    """Pickles as torch does: a call of `_rebuild_tensor_v2`."""

    def __init__(self, key: str, count: int, offset: Any, shape: Any, strides: Any) -> None:
        self.storage = ("storage", _Named("FloatStorage"), key, "cpu", count, None)
        self.view: Any = (offset, shape, strides, False, OrderedDict())


class _Changed:
    """Pickles as something whose state is then set, which may come after the checks."""

    def __init__(self, made: Any, state: Any) -> None:
        self.made = made
        self.state = state


class _Storage:
    def __init__(self, description: Any) -> None:
        self.description = description


class _Writer(pickle._Pickler):  # in Python, so that it can be told what to write
    """Writes what torch's first format holds, without torch."""

    dispatch: ClassVar[dict[Any, Any]] = dict(pickle._Pickler.dispatch)

    def persistent_id(self, obj: Any) -> Any:
        return obj.description if isinstance(obj, _Storage) else None

    def _save_named(self, obj: _Named) -> None:
        self.write(pickle.GLOBAL + b"torch\n" + obj.name.encode() + b"\n")  # type: ignore[attr-defined]

    def _save_tensor(self, obj: _Tensor) -> None:
        self.write(pickle.GLOBAL + b"torch._utils\n_rebuild_tensor_v2\n")  # type: ignore[attr-defined]
        self.save((_Storage(obj.storage), *obj.view))  # type: ignore[attr-defined]
        self.write(pickle.REDUCE)  # type: ignore[attr-defined]

    def _save_changed(self, obj: _Changed) -> None:
        self.save(obj.made)  # type: ignore[attr-defined]
        self.save(obj.state)  # type: ignore[attr-defined]
        self.write(pickle.BUILD)  # type: ignore[attr-defined]

    dispatch[_Named] = _save_named
    dispatch[_Changed] = _save_changed
    dispatch[_Tensor] = _save_tensor


def _write(
    path: Path, tensors: Any, storages: dict[str, np.ndarray], *, magic: int = MAGIC
) -> Path:
    with path.open("wb") as file:
        for value in (magic, PROTOCOL, {"little_endian": True}, tensors, list(storages)):
            _Writer(file, 2).dump(value)
        for values in storages.values():
            file.write(np.int64(len(values)).tobytes() + values.astype("<f4").tobytes())
    return path


def _pickles(*values: Any) -> bytes:
    return b"".join(pickle.dumps(value, 2) for value in values)


NUMBERS = np.arange(12, dtype=np.float32)


def test_tensors_are_views_of_storages(tmp_path: Path) -> None:
    tensors = OrderedDict(
        whole=_Tensor("s", 12, 0, (3, 4), (4, 1)),
        turned=_Tensor("s", 12, 0, (4, 3), (1, 4)),
        part=_Tensor("s", 12, 5, (2,), (3,)),
        number=_Tensor("t", 1, 0, (), ()),
        none=_Tensor("t", 1, 0, (0, 5), (5, 1)),
    )
    path = _write(tmp_path / "x.pth", tensors, {"s": NUMBERS, "t": np.array([7.5], np.float32)})
    found = read_torch_weights(path)
    assert list(found) == ["whole", "turned", "part", "number", "none"]
    assert np.array_equal(found["whole"], NUMBERS.reshape(3, 4))
    assert np.array_equal(found["turned"], NUMBERS.reshape(3, 4).T)
    assert found["part"].tolist() == [5.0, 8.0]
    assert found["number"] == 7.5
    assert found["none"].shape == (0, 5)
    assert all(array.flags.writeable for array in found.values())


class _Payload:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("place", ["before", "among the tensors", "as the keys"])
def test_nothing_but_tensors_is_made(tmp_path: Path, place: str) -> None:
    mark = tmp_path / "was run"
    payload = _Payload(mark)
    values: list[Any] = [MAGIC, PROTOCOL, {}, {}, []]
    values[{"before": 2, "among the tensors": 3, "as the keys": 4}[place]] = payload
    path = tmp_path / "bad.pth"
    path.write_bytes(_pickles(*values))
    with pytest.raises(
        ModelUnreadable, match=r"asks for \w+\.mkdir, which is not part of a tensor"
    ):
        read_torch_weights(path)
    assert not mark.exists()


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (_Tensor("s", 12, 0, (5, 4), (4, 1)), "does not fit"),
        (_Tensor("s", 12, 9, (2, 2), (2, 1)), "does not fit"),
        (_Tensor("s", 12, 0, (10**12,), (0,)), "does not fit"),
        (_Tensor("s", 12, -1, (2,), (1,)), r"has the shape \(2,\)"),
        (_Tensor("s", 12, 0, (2,), (-1,)), "the strides"),
        (_Tensor("s", 12, 0, (2, 2), (1,)), "not described"),
        (_Tensor("s", 13, 0, (2,), (1,)), "should have 13 values, is declared with 12"),
        (_Tensor("other", 12, 0, (2,), (1,)), "no tensor uses the storage 's'"),
    ],
)
def test_a_tensor_must_fit_its_storage(tmp_path: Path, tensor: _Tensor, message: str) -> None:
    path = _write(tmp_path / "x.pth", {"weight": tensor}, {"s": NUMBERS})
    with pytest.raises(ModelUnreadable, match=message):
        read_torch_weights(path)


STORAGE = _Storage(("storage", _Named("FloatStorage"), "s", "cpu", 12, None))


@pytest.mark.parametrize(
    "changed",
    [
        _Changed(_Tensor("s", 12, 0, (12,), (1,)), [STORAGE, 0, (12,), (-1,)]),
        _Changed(_Tensor("s", 12, 0, (12,), (1,)), {"strides": (-1,)}),
        _Changed(_Tensor("s", 12, 0, (12,), (1,)), (None, {"strides": (-1,)})),
        _Changed(_Named("FloatStorage"), ["<i4"]),
        _Changed(_Named("FloatStorage"), (None, {"dtype": "<i4"})),
        _Changed(STORAGE, ["s", "V0", 12]),
    ],
)
def test_what_was_checked_cannot_be_changed(tmp_path: Path, changed: _Changed) -> None:
    path = _write(tmp_path / "x.pth", {"weight": changed}, {"s": NUMBERS})
    with pytest.raises(ModelUnreadable):
        read_torch_weights(path)
    whole = {"weight": _Tensor("s", 12, 0, (12,), (1,))}
    found = read_torch_weights(_write(tmp_path / "y.pth", whole, {"s": NUMBERS}))
    assert np.array_equal(found["weight"], NUMBERS)  # and means the same in the next file


def test_a_dictionary_cannot_hide_what_it_holds(tmp_path: Path) -> None:
    hiding = _Changed(OrderedDict(w=1), {"values": OrderedDict(), "items": OrderedDict()})
    path = _write(tmp_path / "x.pth", hiding, {})
    with pytest.raises(ModelUnreadable, match="other than tensors"):
        read_torch_weights(path)


def test_a_small_file_cannot_fill_the_memory(tmp_path: Path) -> None:
    numbers = np.arange(100_000, dtype=np.float32)
    tensors = {f"w{i}": _Tensor("s", 100_000, 0, (100_000,), (1,)) for i in range(20)}
    path = _write(tmp_path / "x.pth", tensors, {"s": numbers})
    with pytest.raises(ModelUnreadable, match="far more than its"):
        read_torch_weights(path)


def test_a_storage_is_of_one_length_and_kind(tmp_path: Path) -> None:
    tensors = {"a": _Tensor("s", 12, 0, (2,), (1,)), "b": _Tensor("s", 11, 0, (2,), (1,))}
    path = _write(tmp_path / "x.pth", tensors, {"s": NUMBERS})
    with pytest.raises(ModelUnreadable, match="described in two ways"):
        read_torch_weights(path)


def test_a_shape_too_deep_to_be_told_is_refused(tmp_path: Path) -> None:
    deep = b")" + b"\x85" * 50_000  # an empty tuple in a tuple in a tuple
    tensor = b"ctorch._utils\n_rebuild_tensor_v2\n("
    storage = b"(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0sX\3\0\0\0cpuK\x0cNtQ"
    tensors = b"\x80\x02}X\1\0\0\0w" + tensor + storage + b"K\0" + deep + b"K\1\x85\x89}tRs."
    (tmp_path / "x.pth").write_bytes(_pickles(MAGIC, PROTOCOL, {}) + tensors + _pickles(["s"]))
    with pytest.raises(ModelUnreadable, match="recursion"):
        read_torch_weights(tmp_path / "x.pth")


def test_a_length_that_the_file_does_not_have_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path / "x.pth", {"w": _Tensor("s", 2**40, 0, (2,), (1,))}, {"s": NUMBERS})
    content = path.read_bytes()
    path.write_bytes(content.replace(np.int64(12).tobytes(), np.int64(2**40).tobytes()))
    with pytest.raises(ModelUnreadable, match="the file has 12 left"):
        read_torch_weights(path)


def test_every_cut_is_noticed(tmp_path: Path) -> None:
    path = _write(tmp_path / "x.pth", {"w": _Tensor("s", 12, 0, (3, 4), (4, 1))}, {"s": NUMBERS})
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(ModelUnreadable):
            read_torch_weights(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04", "zip archive"),
        (pickle.dumps(3, 2) + pickle.dumps(PROTOCOL, 2), "does not start"),
        (b"\x80\x02nothing", "is not a file|is damaged"),
        (_pickles(MAGIC, PROTOCOL, {}, [], []), "no dictionary"),
        (_pickles(MAGIC, PROTOCOL, {}, {"a": 1}, []), "other than"),
    ],
)
def test_other_files_are_told(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "x.pth").write_bytes(content)
    with pytest.raises(ModelUnreadable, match=message):
        read_torch_weights(tmp_path / "x.pth")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="no weights file"):
        read_torch_weights(tmp_path / "none.pth")


def test_few_names_are_allowed() -> None:
    allowed = torch_weights._TensorUnpickler._ALLOWED
    assert {module for module, _ in allowed} == {"collections", "torch._utils", "torch"}
    assert len(allowed) == 7
