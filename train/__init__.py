"""Training: labelled videos into a network."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rtaction.train.learning.fit import TrainResult
    from rtaction.train.learning.own import fit

__all__ = ["TrainResult", "fit"]

_HOMES = {
    "TrainResult": "rtaction.train.learning.fit",
    "fit": "rtaction.train.learning.own",
}


def __dir__() -> list[str]:
    return sorted(__all__)


def __getattr__(name: str) -> Any:
    # TensorFlow is loaded on first use.
    if name not in _HOMES:
        raise AttributeError(f"module 'rtaction.train' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
