"""Keras on TensorFlow, loaded without their chatter.

Import them from here: `from rtaction.keras_tensorflow import keras, tensorflow`. A missing one
becomes a sentence with the remedy.
"""

from __future__ import annotations

import os

from rtaction.errors import MissingLibrary
from rtaction.quiet import silent_stderr

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


try:
    # TensorFlow's C++ writes before it heeds any setting of its log level.
    with silent_stderr():
        import keras
        import tensorflow
except ImportError as error:
    raise MissingLibrary(
        f"training and export need TensorFlow and Keras ({error}); "
        "install them with: pip install 'rtaction[train]'"
    ) from None

__all__ = ["keras", "tensorflow"]
