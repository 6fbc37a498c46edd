"""Keras and TensorFlow, without what they write to stderr whatever their log level.

Import them from here: `from rtaction.keras_tensorflow import keras, tensorflow`. A missing package
becomes an error that says how to install it. Datasets need only `keras`, on any of its backends;
who imports `tensorflow` makes or runs networks, for which Keras must run on it.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rtaction.errors import UsageError, training_stack_missing

BACKEND = "tensorflow"
os.environ.setdefault("KERAS_BACKEND", BACKEND)
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

_PLACES = {
    "op_def_registry": "tensorflow.python.framework.op_def_registry",
    "saved_model_pb2": "tensorflow.core.protobuf.saved_model_pb2",
    "tensorflow": "tensorflow",
}


@contextmanager
def _descriptor_2_to(path: Path) -> Iterator[None]:
    sys.stderr.flush()
    kept = os.dup(2)
    target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(target, 2)
    os.close(target)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Discard everything written to descriptor 2 inside the block, also by C and C++ code."""
    with _descriptor_2_to(Path(os.devnull)):
        yield


@contextmanager
def native_stderr_to(path: Path) -> Iterator[None]:
    """Append what C and C++ code writes to stderr to a file; Python's stderr is unaffected."""
    before = sys.stderr
    with os.fdopen(os.dup(2), "w", buffering=1) as python_stderr, _descriptor_2_to(path):
        if "ipykernel" not in type(before).__module__:  # a notebook's does not go there
            sys.stderr = python_stderr
        try:
            yield
        finally:
            sys.stderr = before


@contextmanager
def _uncollected() -> Iterator[None]:
    """Search for no garbage among a million objects that come to stay, now and later.

    That takes a fifth of the time of an import, and more with each search afterwards.
    """
    gc.collect()  # what is garbage by now is not to stay
    is_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if is_enabled:
            gc.enable()


def _another_backend(name: str) -> UsageError:
    return UsageError(
        "training and export run on the TensorFlow backend of Keras only, and here Keras is set "
        f"to the backend {name!r}; run it again with KERAS_BACKEND={BACKEND}"
    )


try:
    # TensorFlow's C++ code writes before its log level takes effect.
    with _silent_stderr(), _uncollected():
        import keras as keras
except (ImportError, ValueError) as error:  # ValueError: Keras knows no such backend
    _name = os.environ["KERAS_BACKEND"]
    if _name != BACKEND and getattr(error, "name", None) != "keras":
        raise _another_backend(_name) from None
    if isinstance(error, ValueError):
        raise
    raise training_stack_missing(error) from None


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if keras.config.backend() != BACKEND:
        raise _another_backend(keras.config.backend())
    try:
        with _silent_stderr(), _uncollected():
            tensorflow = importlib.import_module("tensorflow")
            found = importlib.import_module(_PLACES[name])
    except ImportError as error:
        raise training_stack_missing(error) from None
    # It warns when several networks are compiled one after the other, as in folds and refits.
    tensorflow.get_logger().setLevel("ERROR")
    globals()[name] = found
    return found
