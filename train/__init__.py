"""Training: labelled videos into a network."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from rtaction.room import refuse_calls

if TYPE_CHECKING:
    from rtaction.train.learning.own import fit
    from rtaction.train.learning.result import TrainResult

__all__ = ["TrainResult", "fit"]

_HOMES = {
    "TrainResult": "rtaction.train.learning.result",
    "fit": "rtaction.train.learning.own",
}


refuse_calls(__name__, 'rtaction.train_model("videos/")')


def __dir__() -> list[str]:
    return sorted(__all__)


if not TYPE_CHECKING:  # or mypy would take any name for one that is there

    def __getattr__(name: str) -> Any:
        # TensorFlow is loaded on first use.
        if name not in _HOMES:
            raise AttributeError(
                f"module 'rtaction.train' has no attribute {name!r}",
                name=name,
                obj=sys.modules[__name__],
            )
        return getattr(importlib.import_module(_HOMES[name]), name)
