"""Real-time action recognition: train on clips, export to ONNX, recognise live.

Example:
    >>> import rtaction
    >>> for prediction in rtaction.watch("clip.mp4", "model.onnx"):
    ...     print(prediction.end_seconds, prediction.label, prediction.score)
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rtaction.errors import RtactionError
    from rtaction.frame import Clip, Frame
    from rtaction.model_spec import ModelSpec
    from rtaction.prediction import Prediction
    from rtaction.realtime.watching.recognizer import Recognizer
    from rtaction.realtime.watching.watch import watch

# onnxruntime 1.29 and later sends telemetry unless it is disabled before loading.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.2.0"

__all__ = [
    "Clip",
    "Frame",
    "ModelSpec",
    "Prediction",
    "Recognizer",
    "RtactionError",
    "__version__",
    "watch",
]

_HOMES = {
    "Clip": "rtaction.frame",
    "Frame": "rtaction.frame",
    "ModelSpec": "rtaction.model_spec",
    "Prediction": "rtaction.prediction",
    "Recognizer": "rtaction.realtime.watching.recognizer",
    "RtactionError": "rtaction.errors",
    "watch": "rtaction.realtime.watching.watch",
}


def __dir__() -> list[str]:
    return sorted(__all__)


def __getattr__(name: str) -> Any:
    # Loaded on first use, to keep `rtaction --help` fast.
    if name not in _HOMES:
        raise AttributeError(f"module 'rtaction' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
