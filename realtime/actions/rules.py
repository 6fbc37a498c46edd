"""The settings that decide when scores make an event.

This module knows nothing about predictions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rtaction.errors import UsageError
from rtaction.model_spec import ModelSpec

SMOOTHING_SECONDS = 0.5
EXIT_FRACTION = 0.7
_LONGEST_SECONDS = 86_400.0
_RULE_KEYS = ("enter", "exit", "min_seconds", "cooldown_seconds")


@dataclass(frozen=True, slots=True)
class ActionRule:
    """When the smoothed scores of one label make an event.

    Args:
        enter: score from which it starts, 0 to 1.
        exit: score below which it ends, 0 to `enter`.
        min_seconds: shorter actions are not events.
        cooldown_seconds: time after the end of an event in which its label cannot start again.

    Raises:
        UsageError: a value is out of range.
    """

    enter: float
    exit: float
    min_seconds: float
    cooldown_seconds: float

    def __post_init__(self) -> None:
        for key in _RULE_KEYS:
            _number(key, getattr(self, key))
        _require_order(("exit", self.exit), ("enter", self.enter))


@dataclass(frozen=True, slots=True)
class ActionRules:
    """The rules of all labels.

    Args:
        default: for labels without a rule of their own.
        by_label: rules of single labels. Default none.
        smoothing_seconds: time over which scores are averaged; 0 for no smoothing. Default 0.5.

    Raises:
        UsageError: `smoothing_seconds` is out of range.
    """

    default: ActionRule
    by_label: Mapping[str, ActionRule] = field(default_factory=dict)
    smoothing_seconds: float = SMOOTHING_SECONDS

    def __post_init__(self) -> None:
        _number("smoothing_seconds", self.smoothing_seconds)

    def of(self, label: str) -> ActionRule:
        """The rule for `label`."""
        return self.by_label.get(label, self.default)

    @classmethod
    def for_model(
        cls,
        spec: ModelSpec,
        *,
        threshold: float | None = None,
        overrides: Mapping[str, Any] | None = None,
    ) -> ActionRules:
        """The default rules for a model, with a person's overrides.

        By default, a label enters at its threshold and leaves at 0.7 of it. `min_seconds` is a
        quarter of a clip, because even a momentary action fills the windows of about a clip. The
        cooldown is one clip, after which no window contains frames of the action any more.

        Args:
            spec: thresholds, labels and clip length.
            threshold: score at which any label enters. Default: as `spec` says.
            overrides: the table `[actions]`: the keys of `ActionRule`, `smoothing_seconds`, and
                `labels`, a table of such keys by label. Takes precedence over `threshold`.
                Default none.

        Raises:
            UsageError: an unknown key or label, or a value out of range; the message names the key.
        """
        labels = [label for label in spec.labels if label != spec.background_label]
        given = _numbers("actions", overrides or {}, (*_RULE_KEYS, "smoothing_seconds", "labels"))
        by_label = _checked_table("actions.labels", (overrides or {}).get("labels", {}), labels)
        for label, values in by_label.items():
            given |= _numbers(f"actions.labels.{label}", values, _RULE_KEYS)
        if threshold is not None:
            spec = replace(spec, threshold=_number("threshold", threshold), label_thresholds={})
        rules = {label: _rule(given, spec, label) for label in labels}
        smoothing_seconds = given.get("actions.smoothing_seconds", SMOOTHING_SECONDS)
        return cls(_rule(given, spec, None), rules, smoothing_seconds)


def layered(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    """Two tables `[actions]` as one.

    Args:
        lower: what holds where `upper` says nothing.
        upper: what it says of all labels also holds for those that `lower` names.
    """
    tables = [table.get("labels", {}) for table in (lower, upper)]
    merged = {**lower, **upper}
    if not all(_is_table_of_tables(table) for table in tables):
        return merged  # whoever reads it reports it
    kept = {
        label: {key: value for key, value in table.items() if key not in upper}
        for label, table in tables[0].items()
    }
    named = {label: kept.get(label, {}) | tables[1].get(label, {}) for label in kept | tables[1]}
    return merged | {"labels": named} if named else merged


def _is_table_of_tables(table: object) -> bool:
    return isinstance(table, dict) and all(isinstance(one, dict) for one in table.values())


def _rule(given: Mapping[str, float], spec: ModelSpec, label: str | None) -> ActionRule:
    """The rule of one label, or the default rule, from numbers by their full keys."""
    tables = ["actions"] if label is None else [f"actions.labels.{label}", "actions"]
    threshold = spec.threshold if label is None else spec.threshold_of(label)

    def value(key: str, otherwise: tuple[str, float]) -> tuple[str, float]:
        keys = [f"{table}.{key}" for table in tables]
        return next(((full, given[full]) for full in keys if full in given), otherwise)

    enter = value("enter", (f"the threshold of {label!r}" if label else "the threshold", threshold))
    leave = value("exit", ("exit", EXIT_FRACTION * enter[1]))
    _require_order(leave, enter)
    _, min_seconds = value("min_seconds", ("", spec.clip_seconds / 4))
    _, cooldown_seconds = value("cooldown_seconds", ("", spec.clip_seconds))
    return ActionRule(enter[1], leave[1], min_seconds, cooldown_seconds)


def _numbers(where: str, values: object, known: Sequence[str]) -> dict[str, float]:
    """The numbers of a table by their full keys; nested tables are left out."""
    table = _checked_table(where, values, known)
    keys = [key for key in table if key != "labels"]
    return {f"{where}.{key}": _number(f"{where}.{key}", table[key]) for key in keys}


def _checked_table(where: str, values: object, known: Sequence[str]) -> Mapping[str, Any]:
    if not isinstance(values, Mapping):
        raise UsageError(f"{where} must be a table, got {values!r}")
    for key in values:
        if key not in known:
            raise UsageError(f"unknown key {where}.{key}; expected one of {', '.join(known)}")
    return values


def _number(key: str, value: Any) -> float:
    is_duration = key.endswith("_seconds")
    highest = _LONGEST_SECONDS if is_duration else 1.0
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= highest:
        unit = "seconds" if is_duration else "a score"
        raise UsageError(f"{key} must be {unit} from 0 to {highest:g}, got {value!r}")
    return float(value)


def _require_order(leave: tuple[str, float], enter: tuple[str, float]) -> None:
    if leave[1] > enter[1]:
        raise UsageError(f"{leave[0]} must be at most {enter[0]}, {enter[1]:g}; got {leave[1]:g}")
