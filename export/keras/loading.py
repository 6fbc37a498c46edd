"""Load trained models: rtaction runs, `.keras`, `.h5` of Keras 2 and 3, SavedModel folders.

Stored code is never run. Files are vetted first, see `config`, `hdf5` and `saved_model`, and the
size of the weights is checked before memory is allocated for them.
"""

from __future__ import annotations

import importlib
import re
import zipfile
from collections.abc import Iterator
from copy import deepcopy
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rtaction.errors import ModelMissing, ModelUnreadable, ModelUnsafe, RtactionError
from rtaction.export.keras import hdf5 as keras_hdf5
from rtaction.export.keras.config import HARD_SIGMOID, MAX_CONFIG_BYTES, Config, parse, vetted
from rtaction.export.keras.keras2 import as_keras_3
from rtaction.export.keras.saved_model import load_saved_model
from rtaction.keras_tensorflow import keras

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
_MAX_MEMBERS = 1000
_MAX_RATIO = 200  # weights hardly compress, and Keras stores them uncompressed
_MAX_CLIP_VALUES = 2**28
_MAX_LAYER_VALUES = 2**31

KINDS = "a run folder, a .keras file, a .h5 file of Keras 2 or 3, or a folder with a saved_model.pb"


def load_keras_model(path: Path, *, trust: bool = False) -> Any:
    """Load a trained model.

    Args:
        path: one of `KINDS`.
        trust: run code from the file: Lambda layers, custom layers, any TensorFlow operation.
            Default False.

    Returns:
        A `keras.Model`; with a single `SavedModel` layer if the file holds a graph without layers.

    Raises:
        ModelMissing: there is no such file.
        ModelUnreadable: it is not a model, is damaged, or is too large.
        ModelUnsafe: it contains code or refers to other files, and is not trusted.
        ExportError: it uses an option that Keras 3 does not support.
    """
    if not path.exists():
        raise ModelMissing(
            f"there is no Keras model {path}; train one with `rtaction train`, or give {KINDS}"
        )
    if (path / "model.keras").is_file():
        path = path / "model.keras"
    try:
        return _load(path, trust)
    except RtactionError:
        raise
    except ImportError as error:
        raise ModelUnreadable(
            f"{path} needs Python code that cannot be imported: {error}; put it on PYTHONPATH"
        ) from None
    except Exception as error:
        # A damaged or unsupported part can raise any exception.
        raise ModelUnreadable(f"Keras cannot load {path}: {_innermost(error)}") from None


def _innermost(error: Exception) -> str:
    """The root cause, in one line."""
    text = str(error).split("Exception encountered: ")[-1].strip()
    printed_bold = re.search(r"\x1b\[1m(.+?)\x1b\[0m", text, re.DOTALL)
    text = printed_bold[1] if printed_bold else text
    return (text.splitlines() or [type(error).__name__])[0][:200]


def _load(path: Path, trust: bool) -> Any:
    if path.is_dir():
        if (path / "saved_model.pb").is_file():
            return load_saved_model(path, trust=trust)
        raise ModelUnreadable(f"{path} does not contain a model; expected {KINDS}")
    if zipfile.is_zipfile(path):
        return _load_archive(path, trust)
    with path.open("rb") as file:
        if file.read(len(keras_hdf5.SIGNATURE)) == keras_hdf5.SIGNATURE:
            return _load_hdf5(path, trust)
    raise ModelUnreadable(f"{path} is not a .keras or .h5 file; expected {KINDS}")


def _load_archive(path: Path, trust: bool) -> Any:
    with zipfile.ZipFile(path) as archive:
        _check_members(archive, path)
        config = parse(archive.read(CONFIG), str(path))
        model = _trusted(config, path) if trust else _built(vetted(config, str(path)), str(path))
        with TemporaryDirectory(prefix="rtaction-") as folder:
            weights = Path(folder) / WEIGHTS
            with archive.open(WEIGHTS) as source, weights.open("wb") as target:
                while block := source.read(1 << 20):
                    target.write(block)
            with keras_hdf5.opened(weights, f"{WEIGHTS} in {path}"):
                pass
            model.load_weights(weights)
    return model


def _check_members(archive: zipfile.ZipFile, path: Path) -> None:
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
        limit = MAX_CONFIG_BYTES if one.filename != WEIGHTS else keras_hdf5.MAX_BYTES
        if one.file_size > min(limit, one.compress_size * _MAX_RATIO + 10_000):
            raise ModelUnreadable(
                f"{path}: {one.filename} would unpack from {one.compress_size:,} to "
                f"{one.file_size:,} bytes, too many for a model"
            )


def _load_hdf5(path: Path, trust: bool) -> Any:
    with keras_hdf5.opened(path, str(path)) as file:
        text = file.attrs.get("model_config")
        if text is None:
            raise ModelUnreadable(
                f"{path} contains weights without their layers; save the whole model with "
                "model.save(), not save_weights()"
            )
        config = parse(text, str(path))
        stored = keras_hdf5.stored_weights(file)
    config = as_keras_3(config)
    where = str(path)
    model = _trusted(config, path) if trust else _built(vetted(config, where), where)
    keras_hdf5.assign_stored(model, stored, where)
    return model


def _built(config: Config, where: str) -> Any:
    """Build a model, after building it without values to check its size."""
    try:
        with keras.StatelessScope(initialize_variables=False):
            require_possible_size(_deserialized(config), where)
    finally:
        # Otherwise the next such scope would initialize all of them.
        keras.src.backend.common.global_state.set_global_attribute("uninitialized_variables", [])
    return _deserialized(config)


def _deserialized(
    config: Config, own: dict[str, Any] | None = None, *, safe_mode: bool = True
) -> Any:
    with keras.saving.custom_object_scope({HARD_SIGMOID: keras2_hard_sigmoid} | (own or {})):
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
    keras_hdf5.require_possible(num_bytes, where)
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


def _trusted(config: Config, path: Path) -> Any:
    """Build a trusted model, after importing the modules that its classes come from."""
    own: dict[str, Any] = {}
    _import_named(config, own, path)
    return _deserialized(config, own, safe_mode=False)


def _import_named(value: Any, own: dict[str, Any], path: Path) -> None:
    if isinstance(value, list):
        for one in value:
            _import_named(one, own, path)
    if not isinstance(value, dict):
        return
    module, name = value.get("module"), value.get("class_name")
    if isinstance(module, str) and isinstance(name, str):
        package = module.split(".")[0]
        if package == "__main__":
            raise ModelUnreadable(
                f"{path}: {name} was defined in the script that trained the model; move it to a "
                "module, train from there, and put that on PYTHONPATH"
            )
        if package not in ("keras", "builtins"):
            if name == "function":
                name = str(value.get("config"))
            found = getattr(importlib.import_module(module), name, None)
            # Keras looks it up by either name.
            value["registered_name"] = value.get("registered_name") or name
            own[name] = own[value["registered_name"]] = found
    for one in value.values():
        _import_named(one, own, path)


def keras2_hard_sigmoid(x: Any) -> Any:
    """Keras 2's hard sigmoid: 0.2 x + 0.5, from 0 to 1."""
    return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)
