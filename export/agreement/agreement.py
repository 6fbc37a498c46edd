"""How far two models agree, measured on the scores that both give to the same clips.

An untrained or a dead network gives the same scores whatever it sees, and then agreement means
nothing; so the scores must also vary from clip to clip.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rtaction.arrays import Float32Array
from rtaction.errors import ParityError

TOLERANCE = 1e-4
"""Largest difference of a score that is allowed, unless said otherwise."""
MIN_SPREAD = 0.02


@dataclass(frozen=True, slots=True)
class Agreement:
    """What two models say of the same clips, a first and a second.

    Args:
        differences: for each clip, the largest difference of a score, however the second was run.
        spread: largest difference that a label's score has between two clips, by the first.
        top_1_agreement: share of clips given the same best label by both.
        accuracies: share of clips given the right label, by the first and by the second. Default
            None: the right ones are not known.
    """

    differences: tuple[float, ...]
    spread: float
    top_1_agreement: float
    accuracies: tuple[float, float] | None = None

    @property
    def num_clips(self) -> int:
        """Clips compared."""
        return len(self.differences)

    @property
    def max_difference(self) -> float:
        """Largest difference of a score."""
        return float(np.max(self.differences))  # unlike max(), a nan anywhere comes out as nan

    @property
    def lost_points(self) -> float:
        """Accuracy that the second lacks, in percentage points; below 0 where it is better."""
        first, second = self.accuracies or (np.nan, np.nan)
        return 100 * (first - second)

    def to_text(self, clips_from: str = "") -> str:
        """One line for people.

        Args:
            clips_from: where the clips came from. Default "": not said.
        """
        origin = f" ({clips_from})" if clips_from else ""
        return (
            f"{self.num_clips} clips{origin}: scores differ by at most {self.max_difference:.1e}, "
            f"vary by {self.spread:.2g}, top-1 agrees on {self.top_1_agreement:.1%}"
        )

    def require_same(self, *, tolerance: float, problem: str, remedy: str = "") -> None:
        """Refuse models that differ.

        Args:
            tolerance: largest difference of a score that is allowed.
            problem: the first words of the error.
            remedy: its last words. Default none.

        Raises:
            ParityError: they do.
        """
        # "not <=" also refuses nan.
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
        """Refuse a comparison that proves nothing, as the scores hardly vary.

        Args:
            remedy: the last words of the error.

        Raises:
            ParityError: they do not.
        """
        if not self.proves_something:
            raise ParityError(
                f"the comparison proves nothing: over {self.num_clips} clips no score varies by "
                f"more than {self.spread:.2g} ({MIN_SPREAD} is needed){remedy}"
            )

    def require_accuracy(self, *, max_lost_points: float, name: str) -> None:
        """Refuse a second model that is worse than it may be.

        Args:
            max_lost_points: percentage points of accuracy that it may lose.
            name: what it is called, such as "int8".

        Raises:
            ParityError: it loses more.
        """
        # A share of clips is not exact in binary.
        if not self.lost_points <= max_lost_points + 1e-9:
            raise ParityError(
                f"{name} loses {self.lost_points:.2f} points of accuracy on {self.num_clips} "
                f"clips, {max_lost_points:g} allowed; nothing was written. Calibrate on more and "
                "more various videos, leave more layers float with --float-layers, or allow it "
                "with --max-drop"
            )


def agreement_of(
    scores: Float32Array, *others: Float32Array, truths: npt.NDArray[np.intp] | None = None
) -> Agreement:
    """Compare scores.

    Args:
        scores: of the first model, shape (num_clips, num_labels).
        *others: of the second, likewise, for each way in which it was run; the first of them
            tells its best labels.
        truths: positions of the right labels, shape (num_clips,). Default None: not known.
    """
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
