"""How good a model is on untrimmed videos, with its own thresholds or with tuned ones.

Thresholds are tuned on one part of the videos; the figures are those of the other part.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rtaction.errors import DatasetError, UsageError
from rtaction.evaluation.event_figures import EventFigures, event_figures
from rtaction.evaluation.event_pairs import WatchedTime
from rtaction.evaluation.intervals import SPLIT_COLUMN, LabelledTime
from rtaction.model_spec import ModelSpec
from rtaction.realtime.actions.rules import ActionRules
from rtaction.realtime.judging.tuning import Thresholds, Watched, tune_thresholds, with_events
from rtaction.realtime.judging.watched import Judged


@dataclass(frozen=True, slots=True)
class Tuning:
    """The result of tuning.

    Args:
        thresholds: those found on the tuning part.
        num_videos: number of videos in the tuning part.
        num_intervals: number of intervals in the tuning part.
        tuned_on: figures of the tuning part with these thresholds; optimistic, because the
            thresholds were fitted to it.
        before: figures of the reported part with the model's own thresholds.
    """

    thresholds: Thresholds
    num_videos: int
    num_intervals: int
    tuned_on: EventFigures
    before: EventFigures

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "actions": self.thresholds.to_overrides(),
            "num_videos": self.num_videos,
            "num_intervals": self.num_intervals,
            "figures_on_tuned_part": self.tuned_on.to_dict(),
            "figures_before_tuning": self.before.to_dict(),
        }


@dataclass(frozen=True, slots=True, eq=False)
class EventEvaluation:
    """The evaluation of the reported part.

    Args:
        figures: of all labels together, then of each label that the model can detect.
        watched: the videos.
        ignored_intervals: number of intervals whose label the model cannot detect, by label; the
            background label is one of them.
        problems: videos that could not be read and are left out, and videos without any window,
            which count as watched without an event.
        notes: probable mistakes in the intervals file, for a person, after the notes passed in.
        tuning: None if nothing was tuned.
    """

    figures: tuple[EventFigures, ...]
    watched: tuple[WatchedTime, ...]
    ignored_intervals: dict[str, int]
    problems: tuple[Judged, ...]
    notes: tuple[str, ...]
    tuning: Tuning | None

    @property
    def num_groups(self) -> int:
        """Number of groups among the watched videos."""
        return len({one.group for one in self.watched})

    @property
    def watched_seconds(self) -> float:
        """Total length of the watched videos."""
        return sum(one.duration_seconds for one in self.watched)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "num_videos": len(self.watched),
            "num_groups": self.num_groups,
            "watched_seconds": round(self.watched_seconds, 3),
            "ignored_intervals": self.ignored_intervals,
            "problems": [{"path": str(one.path), "problem": one.problem} for one in self.problems],
            "notes": list(self.notes),
            "all": self.figures[0].to_dict(),
            "labels": [one.to_dict() for one in self.figures[1:]],
            "videos": [one.to_dict() for one in self.watched],
            "tuning": None if self.tuning is None else self.tuning.to_dict(),
        }


def is_tuned_on(
    times: Sequence[LabelledTime], groups: Sequence[str], tune_on: str | None
) -> list[bool] | None:
    """Select the videos on which thresholds are tuned.

    Args:
        times: the videos.
        groups: the group of each.
        tune_on: a regular expression for their paths, or None to use their `part`.

    Returns:
        One flag per video, or None if nothing is to be tuned.

    Raises:
        UsageError: an invalid regular expression, or one although the videos have parts.
        DatasetError: all videos or none are tuned on, or a group is in both parts.
    """
    if tune_on is None:
        if all(one.part is None for one in times):
            return None
        chosen = [one.part == "tune" for one in times]
    else:
        if any(one.part is not None for one in times):
            raise UsageError(
                f"--tune-on and the column {SPLIT_COLUMN!r} both select the videos to tune on; "
                "expected only one of them"
            )
        try:
            chosen = [re.search(tune_on, one.path.as_posix()) is not None for one in times]
        except re.error as error:
            raise UsageError(
                f"--tune-on {tune_on!r} is not a valid regular expression: {error}"
            ) from None
    if all(chosen) or not any(chosen):
        raise DatasetError(
            f"{sum(chosen)} of {len(chosen)} videos are selected for tuning; expected at least "
            "one for tuning and one to report on"
        )
    sides = [{group for group, one in zip(groups, chosen, strict=True) if one == s} for s in (0, 1)]
    both = sorted(sides[0] & sides[1])
    if both:
        raise DatasetError(
            f"{both} are both tuned on and reported on; expected all videos of a group on one side"
        )
    return chosen


def evaluate_events(
    times: Sequence[LabelledTime],
    judged: Sequence[Judged],
    groups: Sequence[str],
    spec: ModelSpec,
    *,
    tuned_on: Sequence[bool] | None = None,
    grouped: bool = False,
    stride_seconds: float | None = None,
    notes: Sequence[str] = (),
) -> EventEvaluation:
    """Compare the detected events with the true ones.

    Args:
        times: the truth.
        judged: the predictions for each of these videos, in order.
        groups: the group of each.
        spec: of the model.
        tuned_on: see `is_tuned_on`. Default None: the model's own thresholds are used.
        grouped: whether groups were given; otherwise each event is independent. Default False.
        stride_seconds: see `ActionDetector`. Default: the frame interval of a clip.
        notes: notes made before, for a person. Default none.

    Raises:
        DatasetError: no video of a part can be read, or it has no label that the model can detect.
    """
    labels = tuple(label for label in spec.labels if label != spec.background_label)
    every = list(zip(times, judged, groups, tuned_on or [False] * len(times), strict=True))
    parts: dict[bool, list[Watched]] = {False: [], True: []}
    for truth, said, group, is_tuned in every:
        if said.duration_seconds > 0:
            parts[is_tuned].append(_watched(truth, said, group, labels))
    ignored = _ignored(times, labels)
    _check_parts(parts, labels, ignored, tuned_on is not None)
    own_rules = ActionRules.for_model(spec)
    reported = with_events(parts[False], own_rules, spec, stride_seconds=stride_seconds)
    tuning = None
    if tuned_on is not None:
        before = event_figures(reported, (), grouped=grouped)[0]
        found = tune_thresholds(parts[True], spec, stride_seconds=stride_seconds)
        rules = ActionRules.for_model(spec, overrides=found.to_overrides())
        reported = with_events(parts[False], rules, spec, stride_seconds=stride_seconds)
        fitted = with_events(parts[True], rules, spec, stride_seconds=stride_seconds)
        fitted_figures = event_figures(fitted, (), grouped=grouped)[0]
        tuning = Tuning(found, len(fitted), fitted_figures.num_intervals, fitted_figures, before)
    return EventEvaluation(
        figures=event_figures(reported, labels, grouped=grouped),
        watched=tuple(reported),
        ignored_intervals=ignored,
        problems=tuple(said for said in judged if said.problem),
        notes=(*notes, *[note for one in every for note in _late_notes(one[0], one[1])]),
        tuning=tuning,
    )


def _watched(truth: LabelledTime, judged: Judged, group: str, labels: Sequence[str]) -> Watched:
    intervals = tuple(one for one in truth.intervals if one.label in labels)
    duration_seconds = judged.duration_seconds
    return Watched(
        judged.predictions, WatchedTime(truth.path, (), intervals, duration_seconds, group)
    )


def _check_parts(
    parts: Mapping[bool, Sequence[Watched]],
    labels: Sequence[str],
    ignored: Mapping[str, int],
    tunes: bool,
) -> None:
    for is_tuned in {False, tunes}:
        if not parts[is_tuned]:
            purpose = "tune on" if is_tuned else "report on"
            raise DatasetError(f"nothing to {purpose}: none of these videos can be read")
    known = {side: any(one.truth.intervals for one in part) for side, part in parts.items()}
    # Videos without actions yield false alarms, but say nothing about thresholds.
    if (tunes and not known[True]) or (ignored and not any(known.values())):
        also = f"; it has {', '.join(ignored)}" if ignored else ""
        raise DatasetError(
            f"{'the tuning part' if tunes else 'the file'} has no interval of a label that the "
            f"model can detect ({', '.join(labels)}){also}"
        )


def _ignored(times: Sequence[LabelledTime], labels: Sequence[str]) -> dict[str, int]:
    all_labels = Counter(interval.label for one in times for interval in one.intervals)
    return {label: count for label, count in sorted(all_labels.items()) if label not in labels}


def _late_notes(truth: LabelledTime, judged: Judged) -> list[str]:
    return [
        f"line {interval.line}: starts at {interval.start_seconds:g} s, but {truth.path} ends at "
        f"{judged.duration_seconds:.2f} s"
        for interval in truth.intervals
        if interval.start_seconds >= judged.duration_seconds > 0
    ]
