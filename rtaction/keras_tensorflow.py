"""Keras and TensorFlow, loaded without their startup messages.

Import them from here: `from rtaction.keras_tensorflow import keras, tensorflow`. A missing package
becomes an error that says how to install it. Datasets need only `keras`, on any of its backends;
who imports `tensorflow` makes or runs networks, for which Keras must run on it.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

from rtaction.errors import UsageError, training_stack_missing
from rtaction.quiet import silent_stderr

BACKEND = "tensorflow"
os.environ.setdefault("KERAS_BACKEND", BACKEND)
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

_PLACES = {
    "op_def_registry": "tensorflow.python.framework.op_def_registry",
    "saved_model_pb2": "tensorflow.core.protobuf.saved_model_pb2",
    "tensorflow": "tensorflow",
}


def _another_backend(name: str) -> UsageError:
    return UsageError(
        "training and export run on the TensorFlow backend of Keras only, and here Keras is set "
        f"to the backend {name!r}; run it again with KERAS_BACKEND={BACKEND}"
    )


try:
    # TensorFlow's C++ code writes before its log level takes effect.
    with silent_stderr():
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
        with silent_stderr():
            tensorflow = importlib.import_module("tensorflow")
            found = importlib.import_module(_PLACES[name])
    except ImportError as error:
        raise training_stack_missing(error) from None
    # It warns when several networks are compiled one after the other, as in folds and refits.
    tensorflow.get_logger().setLevel("ERROR")
    globals()[name] = found
    return found
