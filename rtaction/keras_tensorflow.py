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
except ImportError as error:
    raise training_stack_missing(error) from None

__all__ = ["keras", "tensorflow"]
