"""Load trained models: rtaction runs, `.keras`, `.h5` of Keras 2 and 3, SavedModel folders.

Stored code is never run: files are vetted first, see `rtaction.keras_files` and `saved_model`.
"""

from __future__ import annotations

import importlib
import json
import sys
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from rtaction.errors import ModelMissing, ModelUnreadable, ModelUnsafe, refuse_url
from rtaction.export.keras.keras2 import as_keras_3
from rtaction.export.keras.saved_model import TRUST, load_saved_model
from rtaction.installation import program
from rtaction.keras_files import hdf5
from rtaction.keras_files.archive import built, deserialized, keras_errors_told, load_archive
from rtaction.keras_files.config import Config, parse, vetted
from rtaction.keras_tensorflow import keras
from rtaction.own_code import look_in_current_folder

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
    refuse_url(path)
    if not path.exists():
        raise ModelMissing(
            f"there is no Keras model {path}; train one with `{program()} train`, or give {KINDS}"
        )
    if (path / "model.keras").is_file():
        path = path / "model.keras"
    with keras_errors_told(path):
        return _load(path, trust)


def _load(path: Path, trust: bool) -> Any:
    if path.is_dir():
        if (path / "saved_model.pb").is_file():
            return load_saved_model(path, trust=trust)
        raise ModelUnreadable(f"{path} does not contain a model; expected {KINDS}")
    if zipfile.is_zipfile(path):
        return load_archive(path, lambda config: _model_of(config, path, trust))
    with path.open("rb") as file:
        if file.read(len(hdf5.SIGNATURE)) == hdf5.SIGNATURE:
            return _load_hdf5(path, trust)
    raise ModelUnreadable(f"{path} is not a .keras or .h5 file; expected {KINDS}")


def _load_hdf5(path: Path, trust: bool) -> Any:
    with hdf5.opened(path, str(path)) as file:
        text = file.attrs.get("model_config")
        if text is None:
            raise ModelUnreadable(
                f"{path} contains weights without their layers; save the whole model with "
                "model.save(), not save_weights()"
            )
        config = parse(text, str(path))
        stored = hdf5.stored_weights(file)
    model = _model_of(as_keras_3(config), path, trust)
    hdf5.assign_stored(model, stored, str(path))
    return model


def _model_of(config: Config, path: Path, trust: bool) -> Any:
    if trust:
        return _trusted(config, path)
    try:
        clean = vetted(config, str(path))
    except ModelUnsafe as error:
        raise ModelUnsafe(f"{error}, or, {TRUST}") from None
    return built(clean, str(path))


def _trusted(config: Config, path: Path) -> Any:
    """Build a trusted model, after importing the modules that its classes come from."""
    look_in_current_folder()
    own = _beside_its_function(path)
    _import_named(config, own, path)
    return deserialized(config, own, safe_mode=False)


def _beside_its_function(path: Path) -> dict[str, Any]:
    """What the module has that built the network of a run; a file says of functions only names."""
    network = ""
    with suppress(OSError, ValueError, AttributeError):
        settings = json.loads((path.parent / "train_config.json").read_text(encoding="utf-8"))
        network = str(settings.get("network"))
    module, is_own, _ = network.partition(":")
    if not is_own or module == "own":
        return {}
    found = vars(importlib.import_module(module))
    return {name: one for name, one in found.items() if callable(one)}


def _import_named(value: Any, own: dict[str, Any], path: Path) -> None:
    if isinstance(value, list):
        for one in value:
            _import_named(one, own, path)
    if not isinstance(value, dict):
        return
    value.pop("compile_config", None)  # needed only for training
    module, name = value.get("module"), value.get("class_name")
    registered = value.get("registered_name")
    # Keras leaves the module out if it is that of the script.
    of_script = module is None and isinstance(name, str) and isinstance(registered, str)
    if of_script and name not in own and keras.saving.get_registered_object(registered) is None:
        module = "__main__"
    if isinstance(module, str) and isinstance(name, str):
        package = module.split(".")[0]
        if package == "__main__" and not hasattr(sys.modules["__main__"], name):
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
