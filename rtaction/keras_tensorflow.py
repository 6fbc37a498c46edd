"""Keras on TensorFlow, loaded without their startup messages.

Import them from here: `from rtaction.keras_tensorflow import keras, tensorflow`. A missing package
becomes an error that says how to install it.
"""

from __future__ import annotations

import os

from rtaction.errors import training_stack_missing
from rtaction.quiet import silent_stderr

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


try:
    # TensorFlow's C++ code writes before its log level takes effect.
    with silent_stderr():
        import keras
        import tensorflow
        from tensorflow.core.protobuf import saved_model_pb2
        from tensorflow.python.framework import op_def_registry
except ImportError as error:
    raise training_stack_missing(error) from None

# It warns when several networks are compiled one after the other, as in folds and refits.
tensorflow.get_logger().setLevel("ERROR")

__all__ = ["keras", "op_def_registry", "saved_model_pb2", "tensorflow"]
