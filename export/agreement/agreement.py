"""How closely two models agree, measured by their scores for the same clips.

An untrained or dead network gives the same scores for any input, which makes agreement
meaningless; so the scores must also vary from clip to clip.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rtaction.arrays import Float32Array
from rtaction.errors import ParityError

MIN_SPREAD = 0.02


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a first and a second model compare on the same clips.

    Args:
        differences: for each clip, the largest score difference over all ways of running the
            second model.
        spread: largest difference between two clips of any label's score, in the first model.
        top_1_agreement: share of clips with the same predicted label in both.
        accuracies: share of clips with the correct label, for the first and the second model.
            Default None: the true labels are unknown.
    """

    differences: tuple[float, ...]
    spread: float
    top_1_agreement: float
    accuracies: tuple[float, float] | None = None

    @property
    def num_clips(self) -> int:
        """Number of clips compared."""
        return len(self.differences)

    @property
    def max_difference(self) -> float:
        """Largest score difference."""
        return float(np.max(self.differences))  # unlike max(), propagates nan

    @property
    def lost_points(self) -> float:
        """Accuracy lost by the second model, in percentage points; negative if it is better."""
        first, second = self.accuracies or (np.nan, np.nan)
        return 100 * (first - second)

    def to_text(self, clips_from: str = "") -> str:
        """A one-line summary for the user.

        Args:
            clips_from: where the clips came from. Default "": left out.
        """
        origin = f" ({clips_from})" if clips_from else ""
        return (
            f"{self.num_clips} clips{origin}: scores differ by at most {self.max_difference:.1e}, "
            f"vary by {self.spread:.2g}, top-1 agrees on {self.top_1_agreement:.1%}"
        )

    def require_same(self, *, tolerance: float, problem: str, remedy: str = "") -> None:
        """Reject models whose scores differ.

        Args:
            tolerance: largest allowed score difference.
            problem: start of the error message.
            remedy: end of the error message. Default none.

        Raises:
            ParityError: the scores differ by more than the tolerance.
        """
        # "not <=" also rejects nan.
        if not self.max_difference <= tolerance:
            above = sum(not one <= tolerance for one in self.differences)
            raise ParityError(
                f"{problem}: scores differ by up to {self.max_difference:.2g} on {above} of "
                f"{self.num_clips} clips, {tolerance:.2g} is allowed{remedy}"
            )

    @property
    def proves_something(self) -> bool:
        """Whether the scores vary enough for the comparison to mean anything."""
        return self.spread >= MIN_SPREAD

    def require_spread(self, *, remedy: str) -> None:
        """Reject an inconclusive comparison, in which the scores hardly vary between clips.

        Args:
            remedy: end of the error message.

        Raises:
            ParityError: the spread is too small.
        """
        if not self.proves_something:
            raise ParityError(
                f"the comparison is inconclusive: over {self.num_clips} clips no score varies by "
                f"more than {self.spread:.2g} (at least {MIN_SPREAD} is needed){remedy}"
            )

    def require_accuracy(self, *, max_lost_points: float, name: str) -> None:
        """Reject a second model that loses too much accuracy.

        Args:
            max_lost_points: largest allowed loss of accuracy, in percentage points.
            name: of the second model, such as "int8".

        Raises:
            ParityError: it loses more.
        """
        # Allow for rounding: a share of clips is not exact in binary.
        if not self.lost_points <= max_lost_points + 1e-9:
            raise ParityError(
                f"{name} loses {self.lost_points:.2f} points of accuracy on {self.num_clips} "
                f"clips, {max_lost_points:g} allowed; nothing was written. Calibrate on more "
                "and more varied videos, keep more layers in float with --float-layers, or raise "
                "--max-drop"
            )


def agreement_of(
    scores: Float32Array, *others: Float32Array, truths: npt.NDArray[np.intp] | None = None
) -> Agreement:
    """Compare scores.

    Args:
        scores: of the first model, shape (num_clips, num_labels).
        *others: of the second model, same shape, one array for each way of running it; the first
            array determines its predicted labels.
        truths: positions of the true labels, shape (num_clips,). Default None: unknown.

    Raises:
        ParityError: the arrays have different shapes, so that they cannot be compared.
    """
    odd = next((other.shape for other in others if other.shape != scores.shape), None)
    if odd is not None or scores.ndim != 2:
        raise ParityError(
            "the models cannot be compared: expected a score of each label for each clip from "
            f"both, got arrays of shape {scores.shape} and {odd or scores.shape}"
        )
    differences = np.max([np.abs(scores - other).max(axis=1) for other in others], axis=0)
    first, second = scores.argmax(axis=1), others[0].argmax(axis=1)
    return Agreement(
        differences=tuple(map(float, differences)),
        spread=float(np.ptp(scores, axis=0).max()),
        top_1_agreement=float((first == second).mean()),
        accuracies=None
        if truths is None
        else (float((first == truths).mean()), float((second == truths).mean())),
    )
