"""People for tests: a network that reads joints off flat pictures, and videos of such pictures.

The brightness of a picture says how high the person raises the arms, from 55 (down) to 255 (up);
nobody is in a picture that is darker than 40.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from rtaction.arrays import Float32Array, UInt8Array
from rtaction.pose.crop import Square
from rtaction.pose.keypoints import JOINTS, Pose
from rtaction.pose.people import PoseNetworks
from tests.videos import write_video

SIZE_HW = (120, 160)
FRAMES_PER_SECOND = 8
# y and x in shares of the picture's height, x from its middle.
_STANDING = {
    "nose": (0.15, 0.0),
    "eye": (0.13, 0.02),
    "ear": (0.14, 0.04),
    "shoulder": (0.28, 0.1),
    "elbow": (0.42, 0.13),
    "wrist": (0.55, 0.15),
    "hip": (0.55, 0.07),
    "knee": (0.75, 0.07),
    "ankle": (0.95, 0.07),
}


def standing_points(raised: float, size_hw: tuple[int, int] = SIZE_HW) -> Float32Array:
    """Joints of somebody who faces the camera: float32 (17, 3), y and x in pixels, and score.

    Args:
        raised: how high the arms are, 0 to 1.
        size_hw: of the picture.
    """
    points = np.zeros((len(JOINTS), 3), np.float32)
    for row, name in zip(points, JOINTS, strict=True):
        side, _, joint = name.rpartition("_")
        y, x = _STANDING[joint]
        y -= raised * {"wrist": 0.5, "elbow": 0.25}.get(joint, 0.0)
        # Their left is at the right of the picture.
        row[:2] = y * size_hw[0], size_hw[1] / 2 + (x if side == "left" else -x) * size_hw[0]
    points[:, 2] = 0.9
    return points


class MadePeople:
    """Both networks in one."""

    def __init__(self) -> None:
        self.num_searches = 0

    def people_in(self, picture: UInt8Array) -> list[Pose]:
        """The person in a whole picture, if there is one."""
        self.num_searches += 1
        level = float(picture.mean())
        if level < 40:
            return []
        raised = float(np.clip((level - 55) / 200, 0, 1))
        size_hw = (picture.shape[0], picture.shape[1])
        return [Pose(standing_points(raised, size_hw), 0.9)]

    def poses_in(self, picture: UInt8Array, squares: Sequence[Square]) -> list[Pose]:
        """The same person in each square; unsure of it where nobody is."""
        nobody = standing_points(0.0, (picture.shape[0], picture.shape[1]))
        nobody[:, 2] = 0.01
        found = self.people_in(picture) or [Pose(nobody, 0.01)]
        return found * len(squares)


def made_networks() -> PoseNetworks:
    """Loaded networks, as a training or a teaching takes them."""
    people = MadePeople()
    return PoseNetworks(people, people, "made")


def write_people(path: Path, levels: Iterable[float]) -> Path:
    """A video of flat pictures, eight a second."""
    levels = np.asarray(list(levels))
    times = np.arange(len(levels)) / FRAMES_PER_SECOND
    images = (np.full((*SIZE_HW, 3), round(level), np.uint8) for level in levels.tolist())
    return write_video(path, images, times)


def write_actions(folder: Path, *, num_videos: int = 6, num_pictures: int = 24) -> Path:
    """Videos of people who swing their arms, and of people who hold them."""
    for number in range(num_videos):
        moments = np.arange(num_pictures)
        swing = 150 + 90 * np.sin(moments * (0.8 + 0.05 * number) + number)
        write_people(folder / "swing" / f"{number}.mp4", swing)
        write_people(folder / "hold" / f"{number}.mp4", np.full(num_pictures, 90.0 + 20 * number))
    return folder
