"""Keras on TensorFlow, loaded without their chatter.

Import them from here: `from rtaction.keras_tensorflow import keras, tensorflow`. A missing one
becomes a sentence with the remedy.
"""

from __future__ import annotations

import os

from rtaction.errors import training_stack_missing
from rtaction.quiet import silent_stderr

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


try:
    # TensorFlow's C++ writes before it heeds any setting of its log level.
    with silent_stderr():
        import keras
        import tensorflow
        from tensorflow.core.protobuf import saved_model_pb2
        from tensorflow.python.framework import op_def_registry
except ImportError as error:
    raise training_stack_missing(error) from None

# It warns of each network that is compiled after a few others, as folds and refits are.
tensorflow.get_logger().setLevel("ERROR")

__all__ = ["keras", "op_def_registry", "saved_model_pb2", "tensorflow"]
