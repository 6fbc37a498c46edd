"""When scores make an event, as the page changes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtaction.realtime.actions.rules import EXIT_FRACTION

ALL_LABELS = "*"


def actions_of(thresholds: Mapping[str, float]) -> dict[str, Any]:
    """A table [actions] of thresholds that a person has set.

    Args:
        thresholds: score at which an event starts, by label or for `ALL_LABELS`. An event ends at
            the usual part of it.
    """
    labels = {
        label: _entering(threshold)
        for label, threshold in thresholds.items()
        if label != ALL_LABELS
    }
    every = _entering(thresholds[ALL_LABELS]) if ALL_LABELS in thresholds else {}
    return {**every, "labels": labels} if labels else every


def _entering(threshold: float) -> dict[str, float]:
    return {"enter": threshold, "exit": EXIT_FRACTION * threshold}
