"""People who are where a test says, as pose networks would see them, and a model of their hands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.arrays import Float32Array, UInt8Array
from rtaction.frame import Frame
from rtaction.model_spec import ModelSpec
from rtaction.pose.crop import Square
from rtaction.pose.keypoints import HIPS, JOINTS, NUM_JOINTS, Pose
from rtaction.pose.normal import window_numbers
from rtaction.pose.people import PoseNetworks
from rtaction.realtime.bench.simulated_people import standing_in
from tests.person_model import PERSON_SPEC

SIZE_HW = (240, 320)
RATE = 8.0
"""Pictures a second, as many as `PERSON_SPEC` looks at."""
_BLANK = Pose(np.full((NUM_JOINTS, 3), 0.05, np.float32), 0.05)
_ARMS = [
    JOINTS.index(f"{side}_{part}") for side in ("left", "right") for part in ("elbow", "wrist")
]


def standing(x: float, *, hands_up: bool = False, size: float = 0.8, y: float = 0.95) -> Pose:
    """Somebody who stands in a picture of `SIZE_HW`.

    Args:
        x: the middle of the body, as a share of the picture's width.
        hands_up: hands over the head; otherwise beside the hips. Default False.
        size: of the body, as a share of the picture's height. Default 0.8.
        y: the feet, as a share of the picture's height. Default 0.95.
    """
    points = standing_in(np.zeros((*SIZE_HW, 3), np.uint8)).points.copy()
    height, width = SIZE_HW
    points[:, :2] -= [0.9 * height, width / 2]
    if hands_up:
        points[_ARMS, 0] = np.float32(height) * np.array([-0.72, -0.85] * 2, np.float32)
    points[:, :2] *= size / 0.8
    points[:, :2] += [y * height, x * width]
    outside = ((points[:, :2] < 0) | (points[:, :2] > SIZE_HW)).any(axis=1)
    points[outside, 2] = 0.05
    return Pose(points, float(points[:, 2].mean()))


Script = Callable[[float], Iterable[Pose]]
"""The people at a time in seconds, the nearest first."""


@dataclass
class ScriptedPeople:
    """Both pose networks, reading the time off the first pixels of a picture of `frame`.

    Attributes:
        script: who is there when.
        searched: times at which the whole picture was searched.
        looked: times at which squares were looked at, one for each square.
    """

    script: Script

    def __post_init__(self) -> None:
        self.searched: list[float] = []
        self.looked: list[float] = []

    @property
    def networks(self) -> PoseNetworks:
        return PoseNetworks(self, self)

    def frame(
        self, seconds: float, *, source: str = "test", segment: int = 0, start_seconds: float = 0.0
    ) -> Frame:
        """A picture of that moment, with something that moves where people are."""
        picture = np.full((*SIZE_HW, 3), 60, np.uint8)
        for pose in self.script(seconds):
            y, x = pose.points[5:7, :2].mean(axis=0).astype(int)
            picture[max(y - 20, 0) : max(y + 20, 0), max(x - 20, 0) : max(x + 20, 0)] = 250
        picture[0, :2, 0] = divmod(round(seconds * 1000), 256)
        return Frame(picture, start_seconds + seconds, round(seconds * RATE), source, segment)

    def frames(self, until_seconds: float, *, rate: float = RATE, **options: Any) -> list[Frame]:
        return [self.frame(n / rate, **options) for n in range(round(until_seconds * rate) + 1)]

    def people_in(self, picture: UInt8Array) -> list[Pose]:
        self.searched.append(_time_of(picture))
        return list(self.script(_time_of(picture)))

    def poses_in(self, picture: UInt8Array, squares: Sequence[Square]) -> list[Pose]:
        seconds = _time_of(picture)
        self.looked += [seconds] * len(squares)
        people = list(self.script(seconds))
        return [_nearest(people, square) for square in squares]


def _time_of(picture: UInt8Array) -> float:
    return (256 * int(picture[0, 0, 0]) + int(picture[0, 1, 0])) / 1000


def _nearest(people: list[Pose], square: Square) -> Pose:
    middle = np.array([square.top, square.left]) + square.side / 2

    def distance(pose: Pose) -> float:
        return float(np.linalg.norm(pose.points[HIPS, :2].mean(axis=0) - middle))

    nearest = min(people, key=distance, default=None)
    return _BLANK if nearest is None or distance(nearest) > square.side / 2 else nearest


class HandsScorer:
    """Scores as the model of `write_person_model` does, without pixels.

    Attributes:
        features: of each call, (num_windows, frames_per_clip, 51).
    """

    def __init__(self, spec: ModelSpec = PERSON_SPEC) -> None:
        self.spec = replace(spec)
        self.features: list[Float32Array] = []

    def encode(self, images: npt.NDArray[Any]) -> npt.NDArray[Any]:
        raise AssertionError("windows of people come encoded")

    def score(self, clip_features: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        self.features.append(np.asarray(clip_features, np.float32))
        points = clip_features.reshape(*clip_features.shape[:2], NUM_JOINTS, 3)
        numbers = window_numbers(points, self.spec.frame_interval_seconds)
        heights = -numbers[..., : 2 * NUM_JOINTS : 2].mean(axis=1)
        wrists = [JOINTS.index("left_wrist"), JOINTS.index("right_wrist")]
        up = 1 / (1 + np.exp(-8 * (heights[:, wrists].mean(axis=1) - heights[:, 0])))
        return np.stack([up, 1 - up], axis=1).astype(np.float32)
