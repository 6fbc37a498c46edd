"""Estimates and tables as text; the same for training, runtime and teaching.

Tables of labels are at most 80 columns wide.
"""

from __future__ import annotations

import math
from typing import Literal

from rtaction.evaluation.classification import Classification, PrecisionRecall
from rtaction.evaluation.estimate import FEW_CLUSTERS, Estimate

NOT_DEFINED = "n/a"
LABEL_COLUMNS = 24
ESTIMATE_COLUMNS = 16
_MAX_PAIRS = 10


def counted(number: int, noun: str) -> str:
    """A number with its noun, such as "1 video" or "2 videos"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def percent(share: float, *, digits: int = 1) -> str:
    """A share, such as "83.3 %"."""
    return NOT_DEFINED if math.isnan(share) else f"{100 * share:.{digits}f} %"


def interval_text(estimate: Estimate) -> str:
    """The interval of a share, such as "71.0 to 91.5 %"."""
    if not estimate.is_defined:
        return NOT_DEFINED
    return f"{100 * estimate.low:.1f} to {percent(estimate.high)}"


def estimate_text(estimate: Estimate, *, unit: Literal["%", ""] = "%", digits: int = 0) -> str:
    """An estimate with its interval in a table, such as "83 % (71-92)".

    Args:
        estimate: a share, or with `unit` "" a rate.
        unit: "%", or "" for the plain number. Default "%".
        digits: decimal places. Default 0.
    """
    if not estimate.is_defined:
        return NOT_DEFINED
    scale, suffix = (100, " %") if unit else (1, "")
    value, low, high = (
        f"{scale * one:.{digits}f}" for one in (estimate.value, estimate.low, estimate.high)
    )
    return f"{value}{suffix} ({low}-{high})"


def accuracy_text(accuracy: Estimate, what: str) -> str:
    """A sentence, such as "accuracy on 12 videos: 83.3 % (95 % interval: 55.2 to 95.3 %)".

    Args:
        accuracy: the estimate.
        what: what was predicted, such as "12 videos".
    """
    if not accuracy.is_defined:
        return f"accuracy on {what}: {NOT_DEFINED}"
    interval = interval_text(accuracy)
    return f"accuracy on {what}: {percent(accuracy.value)} (95 % interval: {interval})"


def interval_note(num_groups: int | None, *, independent: str = "video") -> str:
    """The line below a table that explains the intervals.

    Args:
        num_groups: number of groups; None if no groups were given.
        independent: the unit that is independent without groups. Default "video".
    """
    if num_groups is None:
        note = f"without --group each {independent} counts as independent"
        return f"(in brackets: 95 % intervals; {note})"
    few = f"; below {FEW_CLUSTERS} groups they are too narrow"
    note = f"(in brackets: 95 % intervals over {counted(num_groups, 'group')}"
    return f"{note}{few if num_groups < FEW_CLUSTERS else ''})"


def short_label(label: str) -> str:
    """The label, truncated if it does not fit into a table."""
    return label if len(label) <= LABEL_COLUMNS else f"{label[: LABEL_COLUMNS - 1]}…"


def estimate_cells(found: PrecisionRecall) -> str:
    """Precision, recall and F1 as cells of a table."""
    texts = [estimate_text(one) for one in (found.precision, found.recall, found.f1)]
    return "".join(f"{text:<{ESTIMATE_COLUMNS}}" for text in texts).rstrip()


def label_table(found: Classification, noun: str) -> list[str]:
    """Precision, recall and F1 of each label, one per line.

    Args:
        found: the classified items.
        noun: what an item is, such as "video".
    """
    names = f"{'precision':<{ESTIMATE_COLUMNS}}{'recall':<{ESTIMATE_COLUMNS}}F1"
    return [
        f"{'label':<{LABEL_COLUMNS}}{noun + 's':>8}  {names}",
        *(
            f"{short_label(label):<{LABEL_COLUMNS}}{one.num_true:>8}  {estimate_cells(one)}"
            for label, one in found.by_label.items()
        ),
    ]


def confusion_table(found: Classification, noun: str, *, max_columns: int = 80) -> list[str]:
    """The confusion matrix if it fits, otherwise the most frequent confusions.

    Args:
        found: the classified items.
        noun: what an item is, such as "video".
        max_columns: maximum line length. Default 80.
    """
    num_labels = len(found.labels)
    width = max(len(str(found.confusion.max())), len(str(num_labels))) + 2
    first = 6 + LABEL_COLUMNS
    if first + width * num_labels > max_columns:
        return _pair_lines(found, noun)
    numbers = [*map(str, range(1, num_labels + 1)), *["?"] * len(found.unknown_labels)]
    head = "".join(f"{number:>{width}}" for number in numbers[:num_labels])
    lines = [f"{noun + 's: true, predicted':<{first}}{head}"]
    rows = zip(numbers, found.true_labels, found.confusion.tolist(), strict=True)
    for number, label, counts in rows:
        name = f"{number:>3}  {short_label(label)}"
        lines.append(f"{name:<{first}}" + "".join(f"{count:>{width}}" for count in counts))
    return lines


def _pair_lines(found: Classification, noun: str) -> list[str]:
    return [
        f"labels confused most, in {noun}s",
        *(
            f"{one.count:>6}  {short_label(one.true_label)} predicted as "
            f"{short_label(one.predicted_label)}"
            for one in found.confused_pairs(_MAX_PAIRS)
        ),
    ]
