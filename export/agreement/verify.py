"""Two models on the same clips: do they say the same? `rtaction verify` prints what this finds.

One may be the Keras model that the other was made of, or both are ONNX files, such as an int8 one
and the float one that it was made of. This file knows nothing of videos.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rtaction.arrays import Float32Array, UInt8Array
from rtaction.errors import ModelSpecError, ParityError
from rtaction.export.agreement.onnx_run import runner
from rtaction.export.agreement.parity import MIN_SPREAD
from rtaction.model_spec import ModelSpec
from rtaction.onnx_format.file import OnnxFile

Scores = Callable[[UInt8Array], Float32Array]
"""From uint8 clips (num_clips, F, H, W, C) to float32 scores (num_clips, num_labels)."""

_BATCH = 8
_MAX_ROWS = 40


@dataclass(frozen=True, slots=True)
class Row:
    """What two models say of one clip.

    Args:
        name: of the clip.
        label: what the first says.
        other_label: what the second says.
        difference: largest difference of a score.
    """

    name: str
    label: str
    other_label: str
    difference: float

    @property
    def labels(self) -> str:
        """Both labels, or the one that both say."""
        same = self.label == self.other_label
        return self.label if same else f"{self.label} / {self.other_label}"


@dataclass(frozen=True, slots=True)
class Verification:
    """What two models say of many clips.

    Args:
        rows: one for each clip.
        spread: largest difference that a label's score has between two clips.
        tolerance: largest difference of a score that is allowed.
    """

    rows: tuple[Row, ...]
    spread: float
    tolerance: float

    @property
    def max_difference(self) -> float:
        """Largest difference of a score."""
        return float(np.max([row.difference for row in self.rows]))  # a nan stays one

    @property
    def top_1_agreement(self) -> float:
        """Share of clips given the same label."""
        return float(np.mean([row.label == row.other_label for row in self.rows]))

    @property
    def disagreements(self) -> list[Row]:
        """Rows above the tolerance, or with two labels; the worst first."""
        found = [
            row
            for row in self.rows
            if not row.difference <= self.tolerance or row.label != row.other_label
        ]
        return sorted(found, key=lambda row: (-row.difference, row.name))

    def to_text(self) -> str:
        """A table of the disagreements, and what all clips come to."""
        lines = []
        shown = self.disagreements[:_MAX_ROWS]
        if shown:
            labels = [row.labels for row in shown]
            width = max(map(len, labels))
            lines.append("difference  labels")
            for row, words in zip(shown, labels, strict=True):
                lines.append(f"{row.difference:10.1e}  {words:<{width}}   {row.name}")
            hidden = len(self.disagreements) - len(shown)
            lines += [f"... and {hidden} more"] * bool(hidden)
        lines.append(
            f"{len(self.rows)} clips: scores differ by at most {self.max_difference:.1e}, vary by "
            f"{self.spread:.2f}, top-1 agrees on {self.top_1_agreement:.1%}"
        )
        return "\n".join(lines)

    def require(self) -> None:
        """Refuse models that differ.

        Raises:
            ParityError: they do, or it cannot be told.
        """
        # "not <=" also refuses nan.
        if not self.max_difference <= self.tolerance:
            raise ParityError(
                f"the models differ: a score by {self.max_difference:.2g} where "
                f"{self.tolerance:.2g} is allowed, on {len(self.disagreements)} of "
                f"{len(self.rows)} clips; allow more with --tolerance, if it is meant to differ"
            )
        if not self.spread >= MIN_SPREAD:
            raise ParityError(
                f"the comparison proves nothing: over {len(self.rows)} clips no score varies by "
                f"more than {self.spread:.2g} ({MIN_SPREAD} is needed); give videos of several "
                "actions"
            )


def verify(
    scores: Scores,
    others: Scores,
    clips: Iterable[tuple[str, UInt8Array]],
    labels: Sequence[str],
    *,
    tolerance: float,
) -> Verification:
    """Run two models on the same clips.

    Args:
        scores: of the first model.
        others: of the second.
        clips: names and uint8 clips (F, H, W, C), at least one.
        labels: of the scores, in order.
        tolerance: largest difference of a score that is allowed.
    """
    rows: list[Row] = []
    kept: list[Float32Array] = []
    waiting: list[tuple[str, UInt8Array]] = []

    def judge() -> None:
        batch = np.stack([clip for _, clip in waiting])
        mine, theirs = scores(batch), others(batch)
        kept.append(mine)
        for (name, _), a, b in zip(waiting, mine, theirs, strict=True):
            difference = float(np.abs(a - b).max())
            rows.append(Row(name, labels[int(a.argmax())], labels[int(b.argmax())], difference))
        waiting.clear()

    for one in clips:
        waiting.append(one)
        if len(waiting) == _BATCH:
            judge()
    if waiting:
        judge()
    spread = float(np.ptp(np.concatenate(kept), axis=0).max())
    return Verification(tuple(rows), spread, tolerance)


def scores_of_onnx(file: OnnxFile) -> Scores:
    """A model of ours as a function.

    Raises:
        ExportError: onnxruntime cannot load it.
    """
    run = runner(file.content, outputs=[file.score_name], where=file.where)
    return lambda clips: np.asarray(run(clips)[0], np.float32)


def require_same_contract(spec: ModelSpec, other: ModelSpec) -> None:
    """See that two models are asked the same and answer the same.

    Raises:
        ModelSpecError: they do not.
    """
    for name in ("labels", "clip_shape", "clip_seconds", "modality", "resize"):
        mine, theirs = getattr(spec, name), getattr(other, name)
        if mine != theirs:
            raise ModelSpecError(
                f"the two models cannot be compared: {name} is {mine} in the first and {theirs} in "
                "the second"
            )


def is_onnx(path: Path) -> bool:
    """Whether a name is that of an ONNX file."""
    return path.suffix.lower() == ".onnx"
