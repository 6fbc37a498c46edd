"""When scores make an event, camera by camera: as the file says, and as the page changes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtaction.errors import UsageError
from rtaction.model_spec import ModelSpec
from rtaction.realtime.actions.rules import EXIT_FRACTION, ActionRules

ALL_LABELS = "*"


def rules_of(
    spec: ModelSpec,
    actions: Mapping[str, Any],
    own: Mapping[str, Any],
    thresholds: Mapping[str, float],
) -> ActionRules:
    """The rules of one camera.

    Args:
        spec: the contract of its model.
        actions: the table [actions] of the file.
        own: that of the camera, which goes first.
        thresholds: set on the page, by label or for `ALL_LABELS`; they go before both.

    Raises:
        UsageError: see `ActionRules.for_model`.
    """
    labels = {name: dict(table) for name, table in _labels(actions).items()}
    for name, table in _labels(own).items():
        labels[name] = labels.get(name, {}) | dict(table)
    merged = {**actions, **own, "labels": labels}
    if ALL_LABELS in thresholds:
        merged = _entering(merged, thresholds[ALL_LABELS])
        merged["labels"] = {
            name: {key: value for key, value in table.items() if key not in ("enter", "exit")}
            for name, table in labels.items()
        }
    for name, threshold in thresholds.items():
        if name in spec.labels:
            merged["labels"][name] = _entering(merged["labels"].get(name, {}), threshold)
    return ActionRules.for_model(spec, overrides=merged)


def _labels(table: Mapping[str, Any]) -> Mapping[str, Any]:
    labels = table.get("labels", {})
    if not isinstance(labels, Mapping) or not all(isinstance(t, Mapping) for t in labels.values()):
        raise UsageError("actions.labels must be a table of tables, one for each label")
    return labels


def _entering(table: Mapping[str, Any], threshold: float) -> dict[str, Any]:
    """A table with this threshold, and the usual one to leave at."""
    return {**table, "enter": threshold, "exit": EXIT_FRACTION * threshold}
