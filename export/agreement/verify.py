"""Check that two models give the same scores for the same clips, for `rtaction verify`.

The models are a Keras model and the ONNX file exported from it, or two ONNX files, such as an int8
file and the float file that it was quantized from. This file knows nothing about videos.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from rtaction.arrays import UInt8Array
from rtaction.errors import ModelSpecError
from rtaction.export.agreement.agreement import Agreement, agreement_of
from rtaction.export.agreement.onnx_run import Scores, scores_in_batches
from rtaction.model_spec import ModelSpec

_BATCH = 8
_MAX_ROWS = 40


@dataclass(frozen=True, slots=True)
class Row:
    """The predictions of two models for one clip.

    Args:
        name: of the clip.
        label: predicted by the first model.
        other_label: predicted by the second model.
        difference: largest score difference.
    """

    name: str
    label: str
    other_label: str
    difference: float

    @property
    def labels(self) -> str:
        """Both predicted labels, or one if they are the same."""
        same = self.label == self.other_label
        return self.label if same else f"{self.label} / {self.other_label}"


def verify(
    scores: Scores,
    others: Scores,
    clips: Iterable[tuple[str, UInt8Array]],
    labels: Sequence[str],
    *,
    tolerance: float,
) -> tuple[Agreement, list[Row]]:
    """Run two models on the same clips.

    Args:
        scores: of the first model.
        others: of the second.
        clips: names and uint8 clips (F, H, W, C), at least one.
        labels: of the scores, in order.
        tolerance: largest allowed score difference.

    Returns:
        The agreement, and the clips that exceed the tolerance or whose labels differ, worst first.
    """
    names: list[str] = []

    def batches() -> Iterator[UInt8Array]:
        waiting = iter(clips)
        while batch := list(islice(waiting, _BATCH)):
            names.extend(name for name, _ in batch)
            yield np.stack([clip for _, clip in batch])

    mine, theirs = scores_in_batches([scores, others], batches())
    agreement = agreement_of(mine, theirs)
    rows = [
        Row(name, labels[int(a.argmax())], labels[int(b.argmax())], difference)
        for name, a, b, difference in zip(names, mine, theirs, agreement.differences, strict=True)
    ]
    found = [row for row in rows if not row.difference <= tolerance or row.label != row.other_label]
    return agreement, sorted(found, key=lambda row: (-row.difference, row.name))


def table_of(rows: Sequence[Row]) -> str:
    """Format the rows as a table; empty without rows."""
    if not rows:
        return ""
    shown = rows[:_MAX_ROWS]
    width = max(len(row.labels) for row in shown)
    lines = ["difference  labels"]
    lines += [f"{row.difference:10.1e}  {row.labels:<{width}}   {row.name}" for row in shown]
    hidden = len(rows) - len(shown)
    return "\n".join([*lines, *[f"... and {hidden} more"] * bool(hidden)])


def require_same_contract(spec: ModelSpec, other: ModelSpec) -> None:
    """Check that two models have the same inputs and labels.

    Raises:
        ModelSpecError: their contracts differ.
    """
    for name in ("labels", "clip_shape", "clip_seconds", "modality", "resize"):
        mine, theirs = getattr(spec, name), getattr(other, name)
        if mine != theirs:
            raise ModelSpecError(
                f"the two models cannot be compared: {name} is {mine} in the first and {theirs} in "
                "the second"
            )


def is_onnx(path: Path) -> bool:
    """Whether a path has the suffix of an ONNX file."""
    return path.suffix.lower() == ".onnx"
