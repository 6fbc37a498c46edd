"""The scores of a model for one window."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from rtaction.arrays import Float32Array
from rtaction.frame import LentFrame

# A softmax in float16 or int8 may miss the ends by as much.
_ROUNDING = 1e-3


def why_no_scores(scores: npt.NDArray[Any]) -> str:
    """Why an array holds no scores, in words; empty if all are numbers from 0 to 1."""
    if ((scores >= -_ROUNDING) & (scores <= 1 + _ROUNDING)).all():  # false for nan, too
        return ""
    if not np.isfinite(scores).all():
        return "NaN or infinite"
    return f"from {scores.min():.3g} to {scores.max():.3g}, not from 0 to 1"


Box: TypeAlias = tuple[float, float, float, float]
"""Top, left, bottom and right, as shares of a picture's height and width, 0 to 1."""


@dataclass(frozen=True, eq=False, slots=True)
class Prediction:
    """Scores of all labels for one window; by a model of people, for one window of one person.

    Args:
        scores: float32, shape (num_labels,), a probability per label.
        labels: the labels, in the order of the scores.
        start_seconds: time of the window's first frame, on its source's clock. A window of a model
            of people may begin before the first frame of its source.
        end_seconds: time of the window's last frame, on its source's clock.
        latency_seconds: from the capture of the newest frame to this prediction; for a file that is
            read as fast as possible, the computing time. Default 0.0.
        source: display name of the source. Default "".
        frame_age_seconds: age of the newest frame when computing began; 0.0 for a file. Default
            0.0.
        frame: the window's last frame. Its `image` (uint8 RGB, shape (height, width, 3)) is kept
            until the next prediction is asked for. Default None: it was not kept, as in
            `rtaction cam`.
        person: the person's id, unique within a run of one source. Default None: the model sees
            whole pictures.
        box: around the person's seen joints, when they were last seen in the window. Default None.
        joints: float32, shape (17, 3): y and x of each joint then, as shares of the picture's
            height and width, and score, in the order of `rtaction.pose.keypoints.JOINTS`. Default
            None.
        zones: names of the camera's zones in which the person stands at the window's end. Default
            none: outside of all, or there are none.

    Raises:
        ValueError: the scores do not match the labels, or the window ends before it starts.
    """

    scores: npt.NDArray[Any]
    labels: tuple[str, ...]
    start_seconds: float
    end_seconds: float
    latency_seconds: float = 0.0
    source: str = ""
    frame_age_seconds: float = 0.0
    frame: LentFrame | None = field(default=None, repr=False)
    person: int | None = None
    box: Box | None = None
    joints: Float32Array | None = field(default=None, repr=False)
    zones: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.scores.dtype != np.float32 or self.scores.shape != (len(self.labels),):
            raise ValueError(
                f"Prediction.scores must be float32 of shape ({len(self.labels)},), one per "
                f"label, got {self.scores.dtype} {self.scores.shape}"
            )
        if self.end_seconds < self.start_seconds:
            raise ValueError(
                f"Prediction must end after its start {self.start_seconds}, got {self.end_seconds}"
            )

    @property
    def label(self) -> str:
        """The label with the highest score; the first of equals."""
        return self.labels[int(np.argmax(self.scores))]

    @property
    def score(self) -> float:
        """The highest score."""
        return float(self.scores.max())

    def score_of(self, label: str) -> float:
        """The score of one label.

        Raises:
            ValueError: there is no such label.
        """
        return float(self.scores[self.labels.index(label)])

    def top(self, k: int) -> list[tuple[str, float]]:
        """The `k` best (label, score) pairs, best first; fewer if there are fewer labels."""
        order = np.argsort(-self.scores, kind="stable")[: max(k, 0)]
        return [(self.labels[i], float(self.scores[i])) for i in order]
