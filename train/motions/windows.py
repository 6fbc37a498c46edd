"""Labelled windows of joints, as many as wanted, new ones each time.

    python -m rtaction.train.motions.windows     # how many a second

Windows in which an action has hardly begun, or is nearly over, have no clear label and are left
out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rtaction.pose.keypoints import JOINTS, MIRRORED
from rtaction.train.motions.acted import Acted
from rtaction.train.motions.camera import look
from rtaction.train.motions.floor import fall, sit_down, stand_up
from rtaction.train.motions.gestures import arms_raise, arms_side, clap, point, wave
from rtaction.train.motions.others import other
from rtaction.train.motions.punches import punch
from rtaction.train.motions.sensor import MADE_UP_SCORE, keypoints_of
from rtaction.train.motions.skeleton import YAW, Bodies, Motion, joints_of
from rtaction.train.motions.steps import jumping_jack, kick, squat, walk
from rtaction.train.motions.timing import Numbers, Rng, between, happens

NUM_TIMES, INTERVAL_SECONDS = 16, 0.125
"""Pictures in a window, and the time between two of them."""

BACKGROUND = "nothing"
ACTIONS: Mapping[str, Callable[[Rng, Numbers], Acted]] = {
    "wave": wave,
    "clap": clap,
    "punch": punch,
    "arms_raise": arms_raise,
    "arms_side": arms_side,
    "jumping_jack": jumping_jack,
    "squat": squat,
    "kick": kick,
    "sit_down": sit_down,
    "stand_up": stand_up,
    "fall": fall,
    "point": point,
    "walk": walk,
}
LABELS = (*ACTIONS, BACKGROUND)
"""The labels, in the order of the scores."""

# Falls matter most; the others come in the most ways.
_OFTEN = {"fall": 2.0, "kick": 1.3, "squat": 1.2, "punch": 1.2, "wave": 1.2}
_UNCLEAR = -1


@dataclass(frozen=True, eq=False, slots=True)
class Windows:
    """Joints and labels.

    Args:
        points: float32, shape (num_windows, num_times, 17, 3): y and x in shares of the picture's
            longer side, and score.
        labels: int64, shape (num_windows,), numbers of `LABELS`.
    """

    points: Numbers
    labels: npt.NDArray[np.int64]


def make_windows(
    rng: Rng,
    num: int,
    *,
    num_times: int = NUM_TIMES,
    interval_seconds: float = INTERVAL_SECONDS,
    background_share: float = 0.27,
) -> Windows:
    """Windows of random people who do random things, seen by random cameras.

    Args:
        rng: where all of it comes from.
        num: how many to make; about a tenth is left out as unclear.
        num_times: pictures in a window. Default 16.
        interval_seconds: between two pictures. Default 0.125.
        background_share: of windows that show something without a label. Default 0.27.
    """
    times = _times(rng, num, num_times, interval_seconds)
    shares = np.array([_OFTEN.get(name, 1.0) for name in ACTIONS])
    shares = np.append(shares / shares.sum() * (1 - background_share), background_share)
    chosen = rng.choice(len(LABELS), size=num, p=shares)
    motions, labels, rows = [], [], []
    tells = np.ones_like(times)
    for number, name in enumerate(LABELS):
        at = np.flatnonzero(chosen == number)
        if not len(at):
            continue
        if name == BACKGROUND:
            motion, label = other(rng, times[at]), np.full(len(at), number)
        else:
            acted = ACTIONS[name](rng, times[at])
            motion, label, tells[at] = acted.motion, _label(acted, number), acted.tells
        clear = label != _UNCLEAR
        motions.append(motion.picked(clear))
        labels.append(label[clear])
        rows.append(at[clear])
    motion = Motion(
        *(
            np.concatenate([getattr(one, name) for one in motions])
            for name in Motion.__dataclass_fields__
        )
    )
    row, label = np.concatenate(rows), np.concatenate(labels)
    points = film(rng, motion, times[row])
    shown = _is_shown(points, label, tells[row])
    # Who walks out of the picture, or into it, does nothing else.
    leaves = ~shown & (label == LABELS.index("walk"))
    leaves &= (points[..., 2] > MADE_UP_SCORE).mean(axis=(1, 2)) > 0.12
    label = np.where(leaves, LABELS.index(BACKGROUND), label)
    shown |= leaves
    return Windows(mirrored(rng, points[shown]), label[shown])


def film(rng: Rng, motion: Motion, times: Numbers) -> Numbers:
    """Motions as a pose network reads them off a camera's pictures.

    Args:
        rng: where bodies, cameras and errors come from.
        motion: what people do.
        times: float32, shape (num_windows, num_times), seconds.

    Returns:
        float32, shape (num_windows, num_times, 17, 3), as `Windows.points`.
    """
    motion.body[..., YAW] += rng.normal(0, 0.05, (len(times), 1))
    joints = joints_of(motion, Bodies.random(rng, len(times)))
    return keypoints_of(rng, look(rng, joints, times), joints, times)


def _label(acted: Acted, number: int) -> npt.NDArray[np.int64]:
    """The label of each window, or `_UNCLEAR`."""
    share = acted.share
    if acted.leads:
        # The way must be nearly over, and much of it within the window: of a fall, less.
        first, last = share[:, 0], share[:, -1]
        is_fall = number == LABELS.index("fall")
        is_action = (last > (0.75 if is_fall else 0.88)) & (first < (0.8 if is_fall else 0.4))
        is_none = (last < 0.12) | (first > 0.985)
    else:
        much = (share > 0.5).mean(axis=1)
        is_action, is_none = much > 0.5, (share > 0.15).mean(axis=1) < 0.1
    background = LABELS.index(BACKGROUND)
    return np.where(is_action, number, np.where(is_none, background, _UNCLEAR))


# Joints without which an action cannot be told, and how many of them must be seen: the left arm
# acts alone.
_NEEDED: Mapping[str, tuple[tuple[str, ...], int]] = {
    "wave": (("left_wrist", "left_elbow", "left_shoulder"), 3),
    "point": (("left_wrist", "left_elbow", "left_shoulder"), 3),
    "clap": (("left_wrist", "right_wrist", "left_elbow", "right_elbow"), 3),
    "punch": (("left_wrist", "right_wrist", "left_elbow", "right_elbow"), 3),
    "arms_raise": (("left_wrist", "right_wrist", "left_elbow", "right_elbow"), 3),
    "arms_side": (("left_wrist", "right_wrist", "left_elbow", "right_elbow"), 3),
    "jumping_jack": (("left_elbow", "right_elbow", "left_knee", "right_knee"), 4),
    "squat": (("left_hip", "right_hip", "left_knee", "right_knee"), 3),
    "kick": (("left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle"), 4),
    "walk": (("left_hip", "right_hip", "left_knee", "right_knee"), 2),
}
_LEAST_SHOWN = 0.5  # of the pictures


def _is_shown(
    points: Numbers, labels: npt.NDArray[np.int64], tells: Numbers
) -> npt.NDArray[np.bool_]:
    """Whether the pictures show what the labels are about; (num_windows,)."""
    is_seen = points[..., 2] > MADE_UP_SCORE
    seen = is_seen.mean(axis=1)  # (num_windows, 17)
    told = (tells * is_seen.any(axis=-1)).max(axis=1) > 0.6
    enough = (seen.mean(axis=1) > 0.12) & (told | (labels == LABELS.index(BACKGROUND)))
    for name, (joints, least) in _NEEDED.items():
        is_this = labels == LABELS.index(name)
        shown = seen[:, [JOINTS.index(joint) for joint in joints]] > _LEAST_SHOWN
        enough &= ~is_this | (shown.sum(axis=1) >= least)
    return np.asarray(enough)


def _times(rng: Rng, num: int, num_times: int, interval_seconds: float) -> Numbers:
    """When the pictures are taken: evenly, or by cameras that are slower than wanted."""
    even = np.arange(num_times, dtype=np.float32) * interval_seconds + np.zeros(
        (num, 1), np.float32
    )
    slow = happens(rng, num, 0.3)
    period = between(rng, num, 0.03, 0.2)
    shift = between(rng, num, 0, 1) * period
    snapped = np.round((even - shift) / period) * period + shift
    return np.asarray(even + slow * (snapped - even), np.float32)


def mirrored(rng: Rng, points: Numbers) -> Numbers:
    """Half of the windows as in a mirror, so that actions of one side are made by both.

    Args:
        rng: which ones.
        points: float32, shape (num_windows, num_times, 17, 3), as `Windows.points`.
    """
    mirrored = points[..., MIRRORED, :].copy()
    found = points[..., 2].max(axis=-1) > 0
    mirrored[..., 1] = np.where(found[..., np.newaxis], 1.0 - mirrored[..., 1], 0.0)
    which = rng.random(len(points)) < 0.5
    return np.asarray(np.where(which[:, np.newaxis, np.newaxis, np.newaxis], mirrored, points))


def main() -> None:
    """Print how many windows are made in a second."""
    rng, started = np.random.default_rng(0), time.perf_counter()
    num = sum(len(make_windows(rng, 4096).labels) for _ in range(4))
    print(f"{num / (time.perf_counter() - started):.0f} windows a second")


if __name__ == "__main__":
    main()
