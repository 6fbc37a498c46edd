"""What `rtaction eval` prints of clips, in at most 100 columns.

This file measures nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rtaction.evaluation.confidence import FEW_CLUSTERS, Estimate
from rtaction.model_spec import ModelSpec
from rtaction.realtime.judging.clips import ClipEvaluation, Level
from rtaction.realtime.judging.watched import Judged

MAX_COLUMNS = 100
_MAX_MISTAKES = 10
_LABEL_COLUMNS = 24


def clip_lines(found: ClipEvaluation, spec: ModelSpec, *, grouped: bool) -> list[str]:
    """The tables of an evaluation of clips.

    Args:
        found: the figures.
        spec: of the model.
        grouped: whether groups were given.
    """
    num_judged = len(found.results) - len(found.problems)
    num_windows = int(found.windows.confusion.sum())
    lines = [
        f"{num_judged} of {counted(len(found.results), 'video')} judged, "
        f"{counted(num_windows, 'window')}, "
        f"{len(found.labels)} labels",
        *problem_lines(found.problems),
        *_label_notes(found, spec),
        *_sampling_note(spec),
        "",
        *_summary(found),
        interval_note(found.num_groups, grouped=grouped),
        "",
        *_label_table(found.clips),
        "",
        *_confusion(found.clips.confusion, found.labels, found.true_labels),
        "",
        *_reliability(found.windows),
    ]
    return lines


def figure_text(figure: Estimate, *, digits: int = 2) -> str:
    """A figure with its interval, such as "0.89 (0.57-0.98)"; "-" where it is undefined."""
    if not figure.is_defined:
        return "-"
    return f"{figure.value:.{digits}f} ({figure.low:.{digits}f}-{figure.high:.{digits}f})"


def interval_note(num_groups: int, *, grouped: bool) -> str:
    """What the intervals are.

    Args:
        num_groups: groups that were judged.
        grouped: whether groups were given.
    """
    if not grouped:
        return "(in brackets: 95 % intervals; without --group each video counts as independent)"
    few = f"; over fewer than {FEW_CLUSTERS} groups they are too narrow"
    note = f"(in brackets: 95 % intervals over {counted(num_groups, 'group')}"
    return f"{note}{few if num_groups < FEW_CLUSTERS else ''})"


def counted(number: int, what: str) -> str:
    """A number of things, such as "1 video" or "2 videos"."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def problem_lines(problems: Sequence[Judged]) -> list[str]:
    """One line for each video that could not be judged."""
    return [f"not judged: {one.path}: {one.problem}" for one in problems]


def short_label(label: str) -> str:
    """The label, cut where it would not fit into a table."""
    return label if len(label) <= _LABEL_COLUMNS else f"{label[: _LABEL_COLUMNS - 1]}…"


def _label_notes(found: ClipEvaluation, spec: ModelSpec) -> list[str]:
    background = spec.background_label
    verdict = "always wrong" if background is None else f"right where called {background!r}"
    lines = []
    for label in found.unknown_labels:
        number = sum(result.video.label == label for result in found.results)
        lines.append(f"the model does not know {label!r} ({counted(number, 'video')}): {verdict}")
    if found.unseen_labels:
        lines.append(f"no video shows: {', '.join(found.unseen_labels)}")
    return lines


def _sampling_note(spec: ModelSpec) -> list[str]:
    if spec.sampling == "sliding":
        return []
    return [
        "this model was trained on clips spread over whole videos; here it sees windows of "
        f"{spec.clip_seconds:g} s, as live"
    ]


def _summary(found: ClipEvaluation) -> list[str]:
    levels = (found.windows, found.clips)
    rows = [("accuracy", [figure_text(level.accuracy) for level in levels])]
    if found.unknown_labels:
        of_all = [figure_text(level.accuracy_of_all) for level in levels]
        rows.append(("with unknown labels", of_all))
    rows += [
        (f"top {k}", [figure_text(level.top_k[k]) for level in levels]) for k in found.clips.top_k
    ]
    rows += [
        ("a guess", [f"{level.chance:.2f}" for level in levels]),
        ("the most frequent label", [f"{level.most_frequent:.2f}" for level in levels]),
        ("calibration error", [figure_text(level.calibration.error) for level in levels]),
    ]
    counts = [f"{name} ({int(level.accuracy.count)})" for name, level in _named(found)]
    return [_row("", counts), *(_row(name, values) for name, values in rows)]


def _named(found: ClipEvaluation) -> list[tuple[str, Level]]:
    return [("windows", found.windows), ("clips", found.clips)]


def _row(name: str, values: Sequence[str]) -> str:
    return (f"{name:<24}" + "".join(f"  {value:<18}" for value in values)).rstrip()


def _label_table(level: Level) -> list[str]:
    lines = [f"{'label':<24}  clips  {'precision':<18}{'recall':<18}F1"]
    for one in level.labels:
        figures = [figure_text(figure) for figure in (one.precision, one.recall, one.f1)]
        values = f"{figures[0]:<18}{figures[1]:<18}{figures[2]}"
        lines.append(f"{short_label(one.label):<24}{one.num_items:>7}  {values}")
    return lines


def _confusion(
    confusion: npt.NDArray[np.intp], labels: Sequence[str], true_labels: Sequence[str]
) -> list[str]:
    """The whole matrix where it fits, else the most frequent mistakes."""
    width = max(len(str(confusion.max())), len(str(len(labels)))) + 2
    if 30 + width * len(labels) > MAX_COLUMNS:
        return _mistakes(confusion, labels, true_labels)
    head = "".join(f"{number:>{width}}" for number in range(1, len(labels) + 1))
    lines = [f"{'clips that show, called':<30}{head}"]
    for number, (label, counts) in enumerate(zip(true_labels, confusion, strict=True), 1):
        name = f"{number:>3}  {short_label(label)}" if number <= len(labels) else f"  ?  {label}"
        lines.append(f"{name:<30}" + "".join(f"{count:>{width}}" for count in counts.tolist()))
    return lines


def _mistakes(
    confusion: npt.NDArray[np.intp], labels: Sequence[str], true_labels: Sequence[str]
) -> list[str]:
    wrong = [
        (int(confusion[row, column]), true_label, label)
        for row, true_label in enumerate(true_labels)
        for column, label in enumerate(labels)
        if row != column and confusion[row, column]
    ]
    wrong.sort(key=lambda one: -one[0])
    lines = ["most frequent mistakes"]
    for count, true_label, label in wrong[:_MAX_MISTAKES]:
        lines.append(f"{count:>6}  {short_label(true_label)} called {short_label(label)}")
    return lines


def _reliability(level: Level) -> list[str]:
    lines = [f"{'score of a window':<24}  windows   mean score  right"]
    for one in level.calibration.bins:
        if one.accuracy.is_defined:
            bounds = f"{one.low:.1f} to {one.high:.1f}"
            lines.append(
                f"{bounds:<24}{int(one.accuracy.count):>9}   {one.mean_score:>10.2f}  "
                f"{figure_text(one.accuracy)}"
            )
    return lines
