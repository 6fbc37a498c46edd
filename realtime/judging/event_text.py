"""What `rtaction eval --intervals` prints, in at most 100 columns.

This file measures nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from rtaction.evaluation.event_figures import IOUS, EventFigures
from rtaction.realtime.judging.events import EventEvaluation, Tuning
from rtaction.realtime.judging.text import (
    counted,
    figure_text,
    interval_note,
    problem_lines,
    short_label,
)


def event_lines(found: EventEvaluation, *, grouped: bool) -> list[str]:
    """The tables of an evaluation of events.

    Args:
        found: the figures.
        grouped: whether groups were given.
    """
    total = found.figures[0]
    minutes = found.watched_seconds / 60
    lines = [
        f"{counted(len(found.watched), 'video')} watched, {minutes:.1f} minutes, "
        f"{counted(total.num_intervals, 'action')}, {counted(total.num_events, 'event')} found",
        *problem_lines(found.problems),
        *found.notes,
        *[
            f"left out, as the model cannot find {label!r}: {counted(count, 'interval')}"
            for label, count in found.ignored_intervals.items()
        ],
        *(_tuning_lines(found.tuning) if found.tuning else []),
        "",
        *_fit_table(found.figures),
        "",
        *_time_table(found.figures),
        _note(found.num_groups, grouped),
    ]
    if found.tuning is not None:
        table = found.tuning.thresholds.to_toml().splitlines()
        lines += ["", "# tuned thresholds, for cameras.toml", *table]
    return lines


def _note(num_groups: int, grouped: bool) -> str:
    if grouped:
        return interval_note(num_groups, grouped=True)
    return "(in brackets: 95 % intervals; without --group each event counts as independent)"


def _tuning_lines(tuning: Tuning) -> list[str]:
    middle = IOUS[len(IOUS) // 2]
    before, fitted = (one.at_iou[middle].f1 for one in (tuning.before, tuning.tuned_on))
    return [
        f"thresholds tuned on {counted(tuning.num_videos, 'other video')} with "
        f"{counted(tuning.num_intervals, 'action')}",
        f"F1 at IoU {middle:g} there: {figure_text(fitted)}, better than is to be expected",
        f"F1 at IoU {middle:g} here before tuning: {figure_text(before)}",
    ]


def _fit_table(figures: Sequence[EventFigures]) -> list[str]:
    lines = [
        f"{'label':<24}{'actions':>8}{'events':>8}  IoU  {'precision':<18}{'recall':<18}F1",
    ]
    for one in figures:
        head = f"{_name(one):<24}{one.num_intervals:>8}{one.num_events:>8}"
        for iou, fit in one.at_iou.items():
            texts = [figure_text(figure) for figure in (fit.precision, fit.recall, fit.f1)]
            lines.append(f"{head:<40}  {iou:.1f}  {texts[0]:<18}{texts[1]:<18}{texts[2]}")
            head = ""
    return lines


def _time_table(figures: Sequence[EventFigures]) -> list[str]:
    lines = [
        f"{'label':<24}  {'false alarms an hour':<24}{'told after the start':<24}"
        "start named off by",
        f"{'':<24}  {'':<24}{'median, p90':<24}median, p90",
    ]
    for one in figures:
        alarms = figure_text(one.false_alarms_an_hour, digits=1)
        told, named = map(_seconds, (one.onset_delays_seconds, one.start_errors_seconds))
        lines.append(f"{_name(one):<24}  {alarms:<24}{told:<24}{named}")
    return lines


def _name(figures: EventFigures) -> str:
    return short_label(figures.label) or "all"


def _seconds(quantiles: tuple[float, float] | None) -> str:
    return "-" if quantiles is None else f"{quantiles[0]:+.2f} s, {quantiles[1]:+.2f} s"
