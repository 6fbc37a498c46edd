"""How good a model is on untrimmed videos, with its own thresholds or with tuned ones.

Thresholds are tuned on one part of the videos and reported on the other.
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
    """What tuning came to.

    Args:
        thresholds: found on the part that was tuned on.
        num_videos: of that part.
        num_intervals: of that part.
        tuned_on: figures of that part with these thresholds: better than is to be expected.
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
    """What came out, of the part that is reported on.

    Args:
        figures: of all labels together, then of each that the model can detect.
        watched: the videos.
        ignored_intervals: how many have a label that the model cannot detect, by label; the
            background label is one.
        problems: videos that could not be read, and are left out, or that hold no window, and count
            as watched without an event.
        notes: what looks like a mistake in the file of intervals, for a person, and what was noted
            before.
        tuning: None where nothing was tuned.
    """

    figures: tuple[EventFigures, ...]
    watched: tuple[WatchedTime, ...]
    ignored_intervals: dict[str, int]
    problems: tuple[Judged, ...]
    notes: tuple[str, ...]
    tuning: Tuning | None

    @property
    def num_groups(self) -> int:
        """Groups among the videos watched."""
        return len({one.group for one in self.watched})

    @property
    def watched_seconds(self) -> float:
        """Length of all videos watched."""
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
    """Which videos thresholds are tuned on.

    Args:
        times: the videos.
        groups: the group of each.
        tune_on: a regular expression that their paths match, or None: as their `part` says.

    Returns:
        One for each video, or None where nothing is to be tuned.

    Raises:
        UsageError: no regular expression, or the videos have parts as well.
        DatasetError: all videos or none are tuned on, or a group stands on both sides.
    """
    if tune_on is None:
        if all(one.part is None for one in times):
            return None
        chosen = [one.part == "tune" for one in times]
    else:
        if any(one.part is not None for one in times):
            raise UsageError(
                f"--tune-on and the column {SPLIT_COLUMN!r} both say what to tune on; expected one"
            )
        try:
            chosen = [re.search(tune_on, one.path.as_posix()) is not None for one in times]
        except re.error as error:
            raise UsageError(f"--tune-on {tune_on!r} is no regular expression: {error}") from None
    if all(chosen) or not any(chosen):
        raise DatasetError(
            f"thresholds are to be tuned on {sum(chosen)} of {len(chosen)} videos; expected some, "
            "and others to report on"
        )
    sides = [{group for group, one in zip(groups, chosen, strict=True) if one == s} for s in (0, 1)]
    both = sorted(sides[0] & sides[1])
    if both:
        raise DatasetError(
            f"{both} are tuned on and reported on as well; expected all videos of a group on one "
            "side"
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
    """Compare what a model found with what truly happens.

    Args:
        times: the truth.
        judged: what the model said of each of these videos, in order.
        groups: the group of each.
        spec: of the model.
        tuned_on: see `is_tuned_on`. Default None: the model's own thresholds are reported.
        grouped: whether groups were given; else each event counts as independent. Default False.
        stride_seconds: see `ActionDetector`. Default: that of two pictures in a clip.
        notes: what was noted before, for a person. Default none.

    Raises:
        DatasetError: no video of a part can be read, or the model can detect no label in it.
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
            raise DatasetError(f"there is nothing to {purpose}: none of these videos can be read")
    known = {side: any(one.truth.intervals for one in part) for side, part in parts.items()}
    # Videos without any action tell false alarms, but nothing of thresholds.
    if (tunes and not known[True]) or (ignored and not any(known.values())):
        also = f"; it has {', '.join(ignored)}" if ignored else ""
        raise DatasetError(
            f"{'what is to be tuned on' if tunes else 'the file'} has no interval of a label that "
            f"the model can find ({', '.join(labels)}){also}"
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
