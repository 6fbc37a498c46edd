"""Load `.keras` files: the config is vetted, and sizes are checked before memory is taken.

This file knows nothing of older formats, of trusted code and of what a model is for.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rtaction.errors import ModelMissing, ModelUnreadable, ModelUnsafe, RtactionError
from rtaction.keras_files import hdf5
from rtaction.keras_files.config import HARD_SIGMOID, MAX_CONFIG_BYTES, Config, parse, vetted
from rtaction.keras_tensorflow import keras
from rtaction.output_file import raise_if_no_room

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
_MAX_MEMBERS = 1000
_MAX_RATIO = 200  # weights hardly compress, and Keras stores them uncompressed
_MOST_COPIES = 5  # of each weight in training: two moments, an average, and what HDF5 adds
_MAX_CLIP_VALUES = 2**28
_MAX_LAYER_VALUES = 2**31
_POSSIBLE: set[bytes] = set()  # digests of configs


def load_network(
    path: Path,
    *,
    keep_precision: bool = False,
    prepare: Callable[[Any], object] | None = None,
    own: Mapping[str, Any] | None = None,
) -> Any:
    """Load a network that rtaction's training has saved.

    Args:
        path: a `.keras` file.
        keep_precision: see `vetted`. Default False.
        prepare: called with the network before its values are read, to compile it; the state of
            its optimizer is read as well then. Default None.
        own: classes and functions that it may use besides those of Keras, by name, see `vetted`.
            Default none.

    Returns:
        A `keras.Model`; what the file says of losses and optimizers is ignored.

    Raises:
        ModelMissing: there is no such file.
        ModelUnreadable: it is not a model, is damaged, or is too large.
        ModelUnsafe: it contains code or refers to other files.
    """
    if not path.is_file():
        raise ModelMissing(f"there is no network {path}")
    with keras_errors_told(path):
        if not zipfile.is_zipfile(path):
            raise ModelUnreadable(f"{path} is not a .keras file, or is damaged")
        where = str(path)

        def build(config: Config) -> Any:
            clean = vetted(config, where, keep_precision=keep_precision, own=own)
            model = built(clean, where, own)
            if prepare is not None:
                prepare(model)
            return model

        return load_archive(path, build, has_optimizer=prepare is not None)


@contextmanager
def keras_errors_told(path: Path) -> Iterator[None]:
    """Turn whatever Keras raises for a damaged or unsupported file into one sentence.

    Raises:
        ModelUnreadable: the block raised something that is not an `RtactionError`.
    """
    try:
        yield
    except RtactionError:
        raise
    except ImportError as error:
        raise ModelUnreadable(
            f"{path} needs Python code that cannot be imported: {error}; put it on PYTHONPATH"
        ) from None
    except Exception as error:
        raise_if_no_room(error)
        # A damaged or unsupported part can raise any exception.
        raise ModelUnreadable(f"Keras cannot load {path}: {_innermost(error)}") from None


def _innermost(error: Exception) -> str:
    """The root cause, in one line."""
    text = str(error).split("Exception encountered: ")[-1].strip()
    printed_bold = re.search(r"\x1b\[1m(.+?)\x1b\[0m", text, re.DOTALL)
    text = printed_bold[1] if printed_bold else text
    return (text.splitlines() or [type(error).__name__])[0][:200]


def load_archive(path: Path, build: Callable[[Config], Any], *, has_optimizer: bool = False) -> Any:
    """Build the model of a `.keras` file and read its weights.

    Args:
        path: the file, a ZIP archive.
        build: makes a model of its config.
        has_optimizer: whether the model is compiled, so that the state of its optimizer is read as
            well. Default False.

    Raises:
        ModelUnreadable, ModelUnsafe: see `load_network`.
    """
    with zipfile.ZipFile(path) as archive:
        _check_members(archive, path, _MOST_COPIES if has_optimizer else 1)
        model = build(parse(archive.read(CONFIG), str(path)))
        limit_bytes = _bytes_of(model) if has_optimizer else hdf5.MAX_BYTES
        with TemporaryDirectory(prefix="rtaction-") as folder:
            weights = Path(folder) / WEIGHTS
            with archive.open(WEIGHTS) as source, weights.open("wb") as target:
                while block := source.read(1 << 20):
                    target.write(block)
            with hdf5.opened(weights, f"{WEIGHTS} in {path}", limit_bytes):
                pass
            model.load_weights(weights)
    return model


def _bytes_of(model: Any) -> int:
    """What a compiled model and its optimizer hold at most."""
    variables = [*model.variables, *model.optimizer.variables]
    # A step number takes eight bytes.
    return sum(int(prod(one.shape)) * 8 for one in variables) + 10_000


def _check_members(archive: zipfile.ZipFile, path: Path, num_copies: int) -> None:
    members = archive.infolist()
    names = {one.filename for one in members}
    odd = next((n for n in names if n.startswith(("/", "\\")) or ".." in Path(n).parts), None)
    if odd is not None:
        raise ModelUnsafe(f"{path} contains a file {odd!r} that would be unpacked outside of it")
    missing = sorted({CONFIG, WEIGHTS} - names)
    if missing:
        raise ModelUnreadable(
            f"{path} is not a .keras file: it lacks {' and '.join(missing)}; Keras cannot load it"
        )
    if len(members) != len(names) or len(members) > _MAX_MEMBERS:
        raise ModelUnreadable(f"{path} contains duplicate files, or more than {_MAX_MEMBERS}")
    for one in members:
        limit = MAX_CONFIG_BYTES if one.filename != WEIGHTS else hdf5.MAX_BYTES * num_copies
        if one.file_size > min(limit, one.compress_size * _MAX_RATIO + 10_000):
            raise ModelUnreadable(
                f"{path}: {one.filename} would unpack from {one.compress_size:,} to "
                f"{one.file_size:,} bytes, too many for a model"
            )


def built(config: Config, where: str, own: Mapping[str, Any] | None = None) -> Any:
    """Build a model, after building it without values to check its size; `own` see `vetted`.

    A config whose size was checked before is not checked again: a training loads its networks
    several times.
    """
    text = json.dumps(config, sort_keys=True, default=repr).encode()
    digest = hashlib.sha256(text).digest()
    if own or digest not in _POSSIBLE:
        _require_possible(config, where, own)
        if not own:
            _POSSIBLE.add(digest)
    return deserialized(config, own)


def _require_possible(config: Config, where: str, own: Mapping[str, Any] | None) -> None:
    try:
        with keras.StatelessScope(initialize_variables=False):
            require_possible_size(deserialized(config, own), where)
    finally:
        # Otherwise the next such scope would initialize all of them.
        keras.src.backend.common.global_state.set_global_attribute("uninitialized_variables", [])


def deserialized(
    config: Config, own: Mapping[str, Any] | None = None, *, safe_mode: bool = True
) -> Any:
    """Let Keras make a model of a config.

    Args:
        config: vetted, or trusted; it is not changed.
        own: classes and functions that are not part of Keras, by name. Default none.
        safe_mode: let Keras refuse stored Python code. Default True.
    """
    with keras.saving.custom_object_scope({HARD_SIGMOID: keras2_hard_sigmoid, **(own or {})}):
        # Copied, since wrappers pop their layer from the config, which is used twice.
        model = keras.saving.deserialize_keras_object(deepcopy(config), safe_mode=safe_mode)
    if not isinstance(model, keras.Model):
        raise ValueError(f"it contains a {type(model).__name__}, not a model")
    if not model.built or not model.inputs:
        raise ValueError("the model was saved before its input shape was set")
    return model


def require_possible_size(model: Any, where: str) -> None:
    """Reject models that need an impossible amount of memory.

    Raises:
        ModelUnreadable: the weights, a clip or the output of a layer are too large.
    """
    num_bytes = sum(prod(one.shape) * 4 for one in model.weights)
    hdf5.require_possible(num_bytes, where)
    for tensor in model.inputs:
        if prod(size or 1 for size in tensor.shape[1:]) > _MAX_CLIP_VALUES:
            raise ModelUnreadable(
                f"{where} takes clips of shape {tuple(tensor.shape[1:])}; at most "
                f"{_MAX_CLIP_VALUES:,} values are supported"
            )
    for operation in _operations(model):
        for node in operation._inbound_nodes:
            for tensor in node.output_tensors:
                if prod(size or 1 for size in tensor.shape[1:]) > _MAX_LAYER_VALUES:
                    raise ModelUnreadable(
                        f"{where}: layer {operation.name!r} has the output shape "
                        f"{tuple(tensor.shape[1:])}, which does not fit into memory"
                    )


def _operations(model: Any) -> Iterator[Any]:
    """Layers and operations, including those of nested models."""
    for one in getattr(model, "operations", model.layers):
        inner = getattr(one, "layer", one)
        yield one
        if isinstance(inner, keras.Model):
            yield from _operations(inner)


def keras2_hard_sigmoid(x: Any) -> Any:
    """Keras 2's hard sigmoid: 0.2 x + 0.5, from 0 to 1."""
    return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)
