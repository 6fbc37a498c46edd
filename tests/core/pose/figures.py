"""Joints of made-up people, projected into a camera's picture: crossings without any drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rtaction.arrays import Float32Array, Float64Array
from rtaction.pose.keypoints import JOINTS, NUM_JOINTS, Pose
from rtaction.pose.normal import normalised
from rtaction.train.render.body import head_rotations, joint_positions, sample_body
from rtaction.train.render.drawing import Viewpoint
from rtaction.train.render.motion import clip_motion

SIZE_HW = (480, 640)
_FACE_METRES = {  # from the middle of the head: to the viewer's right, up, forward
    "nose": (0.0, -0.01, 0.11),
    "left_eye": (0.03, 0.02, 0.09),
    "right_eye": (-0.03, 0.02, 0.09),
    "left_ear": (0.075, 0.0, 0.0),
    "right_ear": (-0.075, 0.0, 0.0),
}


def figure(
    times_seconds: Float64Array, path_metres: Float64Array, *, label: str = "wave", seed: int = 0
) -> Float32Array:
    """The joints of one person in each picture.

    Args:
        times_seconds: shape (num_times,).
        path_metres: where they stand, shape (num_times, 2): to the viewer's right, and towards
            the camera, which is 6 m away.
        label: what their arms do. Default "wave".
        seed: stands for the person. Default 0.

    Returns:
        float32, shape (num_times, 17, 3): y, x in pixels, score 0.9.
    """
    rng = np.random.default_rng(seed)
    body = sample_body(rng)
    motion = clip_motion(label, body, times_seconds, float(times_seconds[-1]), rng)
    place = np.stack([path_metres[:, 0], np.zeros(len(path_metres)), path_metres[:, 1]], axis=-1)
    motion = replace(motion, place_metres=place)
    joints = joint_positions(body, motion)
    head = head_rotations(motion)
    for name, offset in _FACE_METRES.items():
        joints[name] = joints["head"] + head @ np.array(offset)

    def found(name: str) -> Float64Array:
        side, _, part = name.partition("_")
        return joints[name] if name in joints else joints[f"{part}_{side}"]

    camera = Viewpoint(SIZE_HW, 520.0, 6.0, 1.0, 0.0, 0.0, np.zeros((len(times_seconds), 2)))
    pixels, _ = camera.project(np.stack([found(name) for name in JOINTS]))  # (17, num_times, 2)
    points = np.full((len(times_seconds), NUM_JOINTS, 3), 0.9, np.float32)
    points[..., :2] = pixels.transpose(1, 0, 2)[..., ::-1]
    return points


def seen(
    people: Sequence[Float32Array], moment: int, rng: np.random.Generator
) -> list[tuple[int, Pose]]:
    """What a pose network makes of one picture, and whose each pose is.

    Joints are off by .03 shoulder widths, and one in 30 is missed. Joints behind somebody nearer
    are missed, and a person of whom most are, too; so are joints outside of the picture.

    Args:
        people: joints from `figure`, the nearest person first.
        moment: number of the picture.
        rng: of the noise.
    """
    found = []
    for number, person in enumerate(people):
        points = person[moment].copy()
        unit = float(normalised(points, SIZE_HW).unit)
        hidden = rng.random(NUM_JOINTS) < 1 / 30
        for nearer in people[:number]:
            top, left, bottom, right = Pose(nearer[moment], 0.9).box
            y, x = points[:, 0], points[:, 1]
            hidden |= (y > top) & (y < bottom) & (x > left) & (x < right)
        hidden |= ((points[:, :2] < 0) | (points[:, :2] > SIZE_HW)).any(axis=-1)
        points[:, :2] += rng.normal(0, 0.03 * unit, (NUM_JOINTS, 2))
        points[hidden, 2] = 0.05
        if hidden.mean() < 0.6:
            found.append((number, Pose(points, float(points[:, 2].mean()))))
    order = rng.permutation(len(found))
    return [found[index] for index in order]
