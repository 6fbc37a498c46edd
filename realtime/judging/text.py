"""The tables of `rtaction eval`, at most 100 columns wide."""

from __future__ import annotations

from collections.abc import Sequence

from rtaction.evaluation.calibration import Calibration
from rtaction.evaluation.estimate import Estimate
from rtaction.evaluation.event_figures import IOUS, EventFigures
from rtaction.evaluation.text import (
    ESTIMATE_COLUMNS,
    NOT_DEFINED,
    confusion_table,
    counted,
    estimate_cells,
    estimate_text,
    interval_note,
    label_table,
    percent,
    short_label,
)
from rtaction.model_spec import ModelSpec
from rtaction.realtime.judging.events import EventEvaluation, Tuning
from rtaction.realtime.judging.videos import VideoEvaluation
from rtaction.realtime.judging.watched import Judged

MAX_COLUMNS = 100


def video_lines(
    found: VideoEvaluation, spec: ModelSpec, *, grouped: bool, windows: bool = False
) -> list[str]:
    """The tables of an evaluation of videos.

    Args:
        found: the evaluation.
        spec: of the model.
        grouped: whether groups were given.
        windows: whether they were judged by windows, whatever the model was trained on. Default
            False.
    """
    return [
        f"{len(found.videos)} of {counted(len(found.results), 'video')} judged, "
        f"{counted(len(found.windows), 'window')}, {len(spec.labels)} labels",
        *_problem_lines(found.problems),
        *["of several people, whoever is largest for longest counts"] * spec.follows_people,
        *_label_notes(found, spec),
        *_sampling_note(spec, windows=windows),
        "",
        *_summary(found),
        interval_note(found.num_groups if grouped else None),
        "",
        *label_table(found.videos, "video"),
        "",
        *confusion_table(found.videos, "video", max_columns=MAX_COLUMNS),
        "",
        *_reliability(found.windows.calibration),
    ]


def event_lines(found: EventEvaluation, *, grouped: bool) -> list[str]:
    """The tables of an evaluation of events.

    Args:
        found: the evaluation.
        grouped: whether groups were given.
    """
    total = found.figures[0]
    minutes = found.watched_seconds / 60
    lines = [
        f"{counted(len(found.watched), 'video')} watched, {minutes:.1f} minutes, "
        f"{counted(total.num_intervals, 'action')}, {counted(total.num_events, 'event')} detected",
        *_problem_lines(found.problems),
        *found.notes,
        *[
            f"left out, because the model cannot detect {label!r}: {counted(count, 'interval')}"
            for label, count in found.ignored_intervals.items()
        ],
        *(_tuning_lines(found.tuning) if found.tuning else []),
        "",
        *_event_table(found.figures),
        "",
        *_time_table(found.figures),
        interval_note(found.num_groups if grouped else None, independent="event"),
    ]
    if found.tuning is not None:
        table = found.tuning.thresholds.to_toml().splitlines()
        lines += ["", "# tuned thresholds, for cameras.toml", *table]
    return lines


def _problem_lines(problems: Sequence[Judged]) -> list[str]:
    return [f"not judged: {one.path}: {one.problem}" for one in problems]


def _label_notes(found: VideoEvaluation, spec: ModelSpec) -> list[str]:
    background = spec.background_label
    verdict = "always wrong" if background is None else f"correct where predicted {background!r}"
    lines = [
        f"the model does not know {label!r} ({counted(count, 'video')}): {verdict}"
        for label, count in found.unknown_labels.items()
    ]
    if found.unseen_labels:
        lines.append(f"no video shows: {', '.join(found.unseen_labels)}")
    return lines


def _sampling_note(spec: ModelSpec, *, windows: bool) -> list[str]:
    if not spec.shows_whole_videos:
        return []
    if not windows:
        return [
            "each video was judged once, as a whole, as the model was trained; live, it sees "
            f"windows of {spec.clip_seconds:g} s (--windows judges by these)"
        ]
    return [
        "the model was trained on clips of whole videos; here its windows span "
        f"{spec.clip_seconds:g} s, as they do live"
    ]


def _summary(found: VideoEvaluation) -> list[str]:
    levels = (found.windows, found.videos)

    def row(name: str, estimates: Sequence[Estimate]) -> tuple[str, list[str]]:
        return name, [estimate_text(one, digits=1) for one in estimates]

    counts = [int(level.accuracy.count) for level in levels]
    rows = [
        ("", [f"{name} ({n})" for name, n in zip(("windows", "videos"), counts, strict=True)]),
        row("accuracy", [level.accuracy for level in levels]),
    ]
    if found.unknown_labels:
        rows.append(row("with unknown labels", [level.accuracy_with_unknown for level in levels]))
    rows += [
        *(
            row(f"top-{k} accuracy", [level.top_ks[k] for level in levels])
            for k in found.windows.top_ks
        ),
        ("guessing", [percent(level.chance) for level in levels]),
        ("most frequent label", [percent(level.majority[1]) for level in levels]),
        row("calibration error", [level.calibration.error for level in levels]),
    ]
    return [
        (f"{name:<24}" + "".join(f"  {value:<20}" for value in values)).rstrip()
        for name, values in rows
    ]


def _reliability(calibration: Calibration) -> list[str]:
    return [
        f"{'score of a window':<24} windows  mean score  accuracy",
        *(
            f"{f'{one.low:.1f} to {one.high:.1f}':<24}{int(one.accuracy.count):>8}  "
            f"{one.mean_score:>10.2f}  {estimate_text(one.accuracy)}"
            for one in calibration.bins
            if one.accuracy.is_defined
        ),
    ]


def _tuning_lines(tuning: Tuning) -> list[str]:
    middle = IOUS[len(IOUS) // 2]
    before, fitted = (one.at_iou[middle].f1 for one in (tuning.before, tuning.tuned_on))
    return [
        f"thresholds tuned on {counted(tuning.num_videos, 'other video')} with "
        f"{counted(tuning.num_intervals, 'action')}",
        f"F1 at IoU {middle:g} there: {estimate_text(fitted)}, optimistic",
        f"F1 at IoU {middle:g} here before tuning: {estimate_text(before)}",
    ]


def _event_table(figures: Sequence[EventFigures]) -> list[str]:
    names = f"{'precision':<{ESTIMATE_COLUMNS}}{'recall':<{ESTIMATE_COLUMNS}}F1"
    lines = [f"{'label':<24}{'actions':>8}{'events':>8}  IoU  {names}"]
    for one in figures:
        head = f"{_name(one):<24}{one.num_intervals:>8}{one.num_events:>8}"
        for iou, found in one.at_iou.items():
            lines.append(f"{head:<40}  {iou:.1f}  {estimate_cells(found)}")
            head = ""
    return lines


def _time_table(figures: Sequence[EventFigures]) -> list[str]:
    lines = [
        f"{'label':<24}  {'false alarms an hour':<24}{'detection delay':<24}start error",
        f"{'':<24}  {'':<24}{'median, p90':<24}median, p90",
    ]
    for one in figures:
        alarms = estimate_text(one.false_alarms_an_hour, unit="", digits=1)
        delay, error = map(_seconds, (one.onset_delays_seconds, one.start_errors_seconds))
        lines.append(f"{_name(one):<24}  {alarms:<24}{delay:<24}{error}")
    return lines


def _name(figures: EventFigures) -> str:
    return short_label(figures.label) or "all"


def _seconds(quantiles: tuple[float, float] | None) -> str:
    return NOT_DEFINED if quantiles is None else f"{quantiles[0]:+.2f} s, {quantiles[1]:+.2f} s"
