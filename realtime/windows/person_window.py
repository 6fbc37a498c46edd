"""One person's window: their joints in the pictures of a source that were looked at.

This file knows nothing of threads, or of who is who.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rtaction.arrays import Float32Array, UInt8Array
from rtaction.frame import FrameDamaged, FrameLike, LentFrame
from rtaction.model_spec import ModelSpec
from rtaction.pose.gaps import LEAST_SEEN, filled
from rtaction.pose.keypoints import NUM_JOINTS, Pose
from rtaction.pose.normal import picture_shares
from rtaction.pose.tracker import Person
from rtaction.prediction import Box
from rtaction.realtime.windows.ring_buffer import Window


@dataclass(slots=True, eq=False)
class Look:
    """One frame of the source, and who was seen in it.

    Args:
        frame: as it came, until it is looked at; kept longer if it may be asked for.
        at_seconds: its time.
        run: number of the uninterrupted run of frames that it belongs to.
        is_taken: whether it is, was or will not be looked at.
        people: who was seen, by id; None if it was not looked at.
        size_hw: height and width of the picture, once it was looked at.
        is_black: whether it is black.
        fingerprint: equal for equal pictures.
    """

    frame: FrameLike | None
    at_seconds: float
    run: int
    is_taken: bool = False
    people: dict[int, Person] | None = None
    size_hw: tuple[int, int] = (0, 0)
    is_black: bool = False
    fingerprint: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class PersonWindow:
    """A window of one person, to judge.

    Args:
        end_seconds: its nominal end.
        times_seconds: times of its pictures.
        features: float32, shape (frames_per_clip, 51): y, x and score of each joint, see
            `rtaction.pose.normal.picture_shares`; 0 where the person was not seen.
        person: their id.
        box: top, left, bottom and right of their seen joints, when they were last seen in the
            window, as shares of the picture.
        joints: float32, shape (17, 3): y and x of each joint then, as shares of the picture's
            height and width, and score.
        frame: its last frame, if the tracker keeps frames. Default None.
        zones: names of those in which they stand at its end. Default none.
    """

    end_seconds: float
    times_seconds: tuple[float, ...]
    features: Float32Array
    person: int
    box: Box
    joints: Float32Array
    frame: LentFrame | None = None
    zones: tuple[str, ...] = ()


def window_of(
    number: int, window: Window[Look], *, keep_frame: bool, zones: tuple[str, ...] = ()
) -> PersonWindow | None:
    """The window of one person; None if they were seen too seldom.

    Args:
        number: their id.
        window: of the source, whose pictures were looked at where there was time.
        keep_frame: give the window its last frame.
        zones: see `PersonWindow`. Default none.
    """
    num_looks = len(window.values)
    points = np.zeros((num_looks, NUM_JOINTS, 3), np.float32)
    is_seen = np.zeros(num_looks, bool)
    last: tuple[Pose, tuple[int, int]] | None = None
    for place, look in enumerate(window.values):
        person = (look.people or {}).get(number)
        if person is not None:
            points[place] = picture_shares(person.pose.points, look.size_hw)
            is_seen[place] = True
            last = person.pose, look.size_hw
    points, is_known = filled(points, is_seen)
    if last is None or is_known.sum() < LEAST_SEEN * num_looks:
        return None
    frame = window.values[-1].frame if keep_frame else None
    box, joints = _in_shares(*last)
    return PersonWindow(
        end_seconds=window.end_seconds,
        times_seconds=window.times_seconds,
        features=points.reshape(num_looks, -1),
        person=number,
        box=box,
        joints=joints,
        frame=None if frame is None else LentFrame(frame),
        zones=zones,
    )


def num_blank(spec: ModelSpec) -> int:
    """How many moments a window may begin before the first frame of its source."""
    return math.floor((1 - LEAST_SEEN) * spec.frames_per_clip)


def blank(at_seconds: float) -> Look:
    """A moment before the first frame, in which nobody was seen."""
    return Look(None, at_seconds, 0, is_taken=True, people={})


def camera_fault(looks: Sequence[Look], num_pictures: int) -> Literal["black", "frozen"] | None:
    """What is wrong with a camera, as its pictures tell.

    Args:
        looks: those of a window's pictures that were looked at, in order.
        num_pictures: of the window.
    """
    if any(look.is_black for look in looks):
        return "black"
    newest_half = {look.fingerprint for look in looks[-(num_pictures // 2) :]}
    return "frozen" if len(looks) > 1 and len(newest_half) == 1 else None


def decode(look: Look) -> None:
    """Decode a picture on the thread that reads, so that the thread that computes need not."""
    frame = look.frame
    if frame is not None:
        try:
            _: UInt8Array = frame.image
        except FrameDamaged:
            return  # it is counted when it is looked at


def _in_shares(pose: Pose, size_hw: tuple[int, int]) -> tuple[Box, Float32Array]:
    """Box and joints, as shares of the picture; the box ends where the picture does."""
    scale = np.array([*size_hw, 1], np.float32)
    box = np.array(pose.box) / np.tile(scale[:2], 2)
    top, left, bottom, right = box.clip(0, 1).tolist()
    return (top, left, bottom, right), pose.points / scale
