"""Real-time action recognition: train on clips, export to ONNX, recognise live.

Example:
    >>> import rtaction
    >>> for prediction in rtaction.watch("clip.mp4", "model.onnx"):
    ...     print(prediction.end_seconds, prediction.label, prediction.score)
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rtaction.api import evaluate_model, export_model, teach_model, train_model
    from rtaction.errors import RtactionError
    from rtaction.frame import Clip, Frame
    from rtaction.model_spec import ModelSpec
    from rtaction.prediction import Prediction
    from rtaction.realtime.actions.detector import ActionEvent
    from rtaction.realtime.actions.rules import ActionRules
    from rtaction.realtime.watching.recognizer import Recognizer
    from rtaction.realtime.watching.watch import Watch, watch

# onnxruntime 1.29 and later sends telemetry unless it is disabled before loading.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.2.0"

__all__ = [
    "ActionEvent",
    "ActionRules",
    "Clip",
    "Frame",
    "ModelSpec",
    "Prediction",
    "Recognizer",
    "RtactionError",
    "Watch",
    "__version__",
    "evaluate_model",
    "export_model",
    "teach_model",
    "train_model",
    "watch",
]

_HOMES = {
    "ActionEvent": "rtaction.realtime.actions.detector",
    "ActionRules": "rtaction.realtime.actions.rules",
    "Clip": "rtaction.frame",
    "Frame": "rtaction.frame",
    "ModelSpec": "rtaction.model_spec",
    "Prediction": "rtaction.prediction",
    "Recognizer": "rtaction.realtime.watching.recognizer",
    "RtactionError": "rtaction.errors",
    "Watch": "rtaction.realtime.watching.watch",
    "evaluate_model": "rtaction.api",
    "export_model": "rtaction.api",
    "teach_model": "rtaction.api",
    "train_model": "rtaction.api",
    "watch": "rtaction.realtime.watching.watch",
}
_ROOMS = ("errors", "export", "models", "realtime", "serve", "teach", "train")


def __dir__() -> list[str]:
    return sorted(__all__)


if not TYPE_CHECKING:  # or mypy would take any name for one that is there

    def __getattr__(name: str) -> Any:
        # Loaded on first use, to keep `rtaction --help` fast.
        if name in _ROOMS:
            return importlib.import_module(f"rtaction.{name}")
        if name not in _HOMES:
            raise AttributeError(
                f"module 'rtaction' has no attribute {name!r}",
                name=name,
                obj=sys.modules[__name__],
            )
        return getattr(importlib.import_module(_HOMES[name]), name)
