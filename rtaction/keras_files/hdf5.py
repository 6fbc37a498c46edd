"""Keras' HDF5 weight files: vetted before they are read, then read by name.

An HDF5 file may declare tensors larger than any memory, and may refer to other files; h5py follows
such links silently. This file knows nothing about configs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.errors import ModelUnreadable, ModelUnsafe

MAX_BYTES = 2**31 - 1
"""Maximum size of an ONNX file; larger models need not be read."""

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_MAX_OBJECTS = 100_000

Array = npt.NDArray[Any]
Stored = dict[str, list[tuple[str, Array]]]
"""For each layer with weights, in order: the names and values of its weights, in order."""


@contextmanager
def opened(path: Path, where: str, limit_bytes: int = MAX_BYTES) -> Iterator[Any]:
    """Open a file after checking that it has no links, no external data, and not too much data.

    Args:
        path: the file.
        where: name of the file in error messages.
        limit_bytes: size of all values together. Default: `MAX_BYTES`.

    Raises:
        ModelUnreadable: it is damaged, or declares too much data.
        ModelUnsafe: it refers to other files.
    """
    import h5py  # comes with Keras

    try:
        with h5py.File(path, "r") as file:
            _check(file, where, limit_bytes)
            yield file
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        # h5py raises these for any kind of damage.
        reason = (str(error).strip("'\"").splitlines() or [type(error).__name__])[0]
        raise ModelUnreadable(f"{where} is damaged, or not a Keras file: {reason}") from None


def _check(file: Any, where: str, limit_bytes: int) -> None:
    import h5py

    waiting, seen, total = [file["/"]], {h5py.h5o.get_info(file.id).addr}, 0
    while waiting:
        group = waiting.pop()
        for name in group:
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                target = getattr(link, "filename", link.path)
                raise ModelUnsafe(
                    f"{where} links to {target!r}; expected all weights in the file itself, as "
                    "written by Keras"
                )
            found = group[name]
            address = h5py.h5o.get_info(found.id).addr
            if address in seen:
                continue
            seen.add(address)
            if len(seen) > _MAX_OBJECTS:
                raise ModelUnreadable(f"{where} holds more than {_MAX_OBJECTS:,} objects")
            if isinstance(found, h5py.Group):
                waiting.append(found)
            elif isinstance(found, h5py.Dataset):
                total += _checked_bytes(found, where)
                require_possible(total, where, limit_bytes)


def _checked_bytes(dataset: Any, where: str) -> int:
    if dataset.external or dataset.is_virtual:
        raise ModelUnsafe(
            f"{where}: the values of {dataset.name} are in another file; expected all weights in "
            "the file itself, as written by Keras"
        )
    return prod(int(size) for size in dataset.shape or ()) * int(dataset.dtype.itemsize)


def require_possible(num_bytes: int, where: str, limit_bytes: int = MAX_BYTES) -> None:
    """Check the size of weights before allocating memory for them.

    Args:
        num_bytes: what a file declares.
        where: name of the file in error messages.
        limit_bytes: what its layers can use. Default: `MAX_BYTES`, what fits into an ONNX file.

    Raises:
        ModelUnreadable: they are too large.
    """
    if num_bytes <= limit_bytes:
        return
    reason = (
        f"one ONNX file holds at most {MAX_BYTES / 1e9:.1f} GB"
        if limit_bytes == MAX_BYTES
        else f"its layers and its optimizer hold {limit_bytes / 1e9:.3f} GB"
    )
    raise ModelUnreadable(f"{where} declares weights of {num_bytes / 1e9:,.1f} GB; {reason}")


def stored_weights(file: Any) -> Stored:
    """All weights of a Keras `.h5` file, in stored order."""
    group = file.get("model_weights", file)
    found: Stored = {}
    for layer in _texts(group.attrs, "layer_names"):
        names = _texts(group[layer].attrs, "weight_names")
        if names:
            found[layer] = [(name, np.asarray(group[layer][name])) for name in names]
    return found


def _texts(attributes: Any, name: str) -> list[str]:
    """A list of names; a long one is stored in pieces, `name0`, `name1`, …"""
    pieces = [attributes[name]] if name in attributes else []
    while name not in attributes and f"{name}{len(pieces)}" in attributes:
        pieces.append(attributes[f"{name}{len(pieces)}"])
    texts = [text for piece in pieces for text in piece]
    return [text.decode("utf-8") if isinstance(text, bytes) else str(text) for text in texts]


def assign_stored(model: Any, stored: Stored, where: str) -> None:
    """Assign the weights of a `.h5` file to a model.

    Args:
        model: a Keras 3 model.
        stored: from `stored_weights`.
        where: name of the file in error messages.

    Raises:
        ModelUnreadable: a weight is missing, superfluous, or of another shape.
    """
    layers = {layer.name: layer for layer in model.layers if layer.weights}
    if set(layers) != set(stored):
        if len(layers) != len(stored):
            odd = sorted(set(layers) ^ set(stored))
            raise ModelUnreadable(f"{where}: weights and config do not match in the layers {odd}")
        layers = dict(zip(stored, layers.values(), strict=True))
    for name, layer in layers.items():
        _assign(layer, _without_cudnn(stored[name]), f"{where}: layer {name!r}")


def _assign(layer: Any, stored: list[tuple[str, Array]], where: str) -> None:
    # Keras stores trainable weights first; a nested layer may have been frozen later.
    trained_first = [*layer.trainable_weights, *layer.non_trainable_weights]
    for weights in (_by_name(layer.weights, stored), trained_first, layer.weights):
        if weights is not None and _agree(weights, stored):
            for weight, (_, values) in zip(weights, stored, strict=True):
                weight.assign(values)
            for one in layer._flatten_layers():
                if hasattr(one, "finalize_state"):  # Normalization computes its constants
                    one.finalize_state()
            return
    raise ModelUnreadable(
        f"{where}: weights and config do not match; the config expects "
        f"{[(w.path, tuple(w.shape)) for w in trained_first][:4]}, the file holds "
        f"{[(n, v.shape) for n, v in stored][:4]} (first 4 shown)"
    )


def _by_name(weights: list[Any], stored: list[tuple[str, Array]]) -> list[Any] | None:
    """The weights in the file's order, if the last parts of their names are unique."""
    for length in (2, 3, 4):
        by_key = {_key(weight.path, length): weight for weight in weights}
        keys = [_key(name, length) for name, _ in stored]
        if len(by_key) == len(weights) == len(set(keys)) and set(by_key) == set(keys):
            return [by_key[key] for key in keys]
    return None


def _agree(weights: list[Any], stored: list[tuple[str, Array]]) -> bool:
    return len(weights) == len(stored) and all(
        tuple(weight.shape) == values.shape and _key(weight.path, 1) == _key(name, 1)
        for weight, (name, values) in zip(weights, stored, strict=True)
    )


def _key(name: str, length: int) -> tuple[str, ...]:
    parts = name.split(":")[0].split("/")
    parts[-1] = parts[-1].replace("depthwise_kernel", "kernel")
    return tuple(parts[-length:])


def _without_cudnn(stored: list[tuple[str, Array]]) -> list[tuple[str, Array]]:
    """Convert weights of CuDNNGRU and CuDNNLSTM to those of GRU and LSTM.

    They store the gate matrices transposed, and the biases of both matrices in one row.
    """
    made = list(stored)
    for i in range(len(stored) - 2):
        (_, kernel), (_, recurrent), (_, bias) = stored[i : i + 3]
        if stored[i + 1][0].split(":")[0].endswith("recurrent_kernel") and (
            bias.shape == (2 * recurrent.shape[1],)
        ):
            gates = recurrent.shape[1] // recurrent.shape[0]
            kernel = np.concatenate(
                [k.T.reshape(k.shape, order="F") for k in np.split(kernel, gates, axis=1)], axis=1
            )
            recurrent = np.concatenate([k.T for k in np.split(recurrent, gates, axis=1)], axis=1)
            both = bias.reshape(2, -1)
            made[i : i + 3] = [
                (stored[i][0], kernel),
                (stored[i + 1][0], recurrent),
                (stored[i + 2][0], both if gates == 3 else both.sum(axis=0)),
            ]
    return made
