"""Keypoints of real clips whose licences allow to train weights on them and to ship those.

The clips are not part of the project; `../shared/data` holds them where it is there.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rtaction.arrays import Float32Array, UInt8Array
from rtaction.models import PEOPLE_MODEL, POSE_MODEL
from rtaction.pose.keypoints import NUM_JOINTS
from rtaction.pose.network import CloseNetwork, FindNetwork
from rtaction.pose.normal import picture_shares
from rtaction.pose.people import PeopleFollower
from rtaction.realtime.model.session import open_session
from rtaction.sampling import nearest_indices
from rtaction.train.motions.windows import BACKGROUND, INTERVAL_SECONDS, LABELS, NUM_TIMES, Windows
from rtaction.video.file import read_video

LICENSED = {
    **{
        f"people_dev/nothing/{name}.mp4": BACKGROUND
        for name in (
            "asl_black_eat",
            "asl_black_milk",
            "asl_black_sister",
            "asl_check_hungry",
            "asl_check_want",
            "asl_grey_bird",
            "asl_grey_no",
            "asl_grey_please",
            "asl_grey_sorry",
            "asl_grey_thanks",
            "carphone",
            "franck_10",
            "franck_60",
            "franck_110",
            "franck_160",
        )
    },
    "people_dev/arms_side/mal_overhead.mp4": "arms_side",
    "people_dev/squat/tfjs_squat.mp4": "squat",
}
"""Clips under CC BY 4.0 (Intel's signers), Apache-2.0 (mal, tfjs) and BSD (carphone, franck), by
their label."""


def licensed_windows(clips: Path) -> Windows:
    """All windows of those clips, of the person who is seen most.

    Args:
        clips: the folder that holds `people_dev`.
    """
    close, find = (
        open_session(path.read_bytes(), "cpu", num_threads=1) for path in (POSE_MODEL, PEOPLE_MODEL)
    )
    points, labels = [], []
    for name, label in LICENSED.items():
        joints = _joints_of(clips / name, CloseNetwork(close), FindNetwork(find))
        # What is shorter than a window begins with nobody.
        missing = max(NUM_TIMES - len(joints), NUM_TIMES // 2)
        joints = np.concatenate([np.zeros((missing, NUM_JOINTS, 3), np.float32), joints])
        for start in range(len(joints) - NUM_TIMES + 1):
            points.append(joints[start : start + NUM_TIMES])
            labels.append(LABELS.index(label))
    return Windows(np.stack(points), np.array(labels))


def varied(rng: np.random.Generator, points: Float32Array) -> Float32Array:
    """The same joints a little displaced, some unseen, by windows and by pictures."""
    num, num_times = points.shape[:2]
    spread = 0.004 * rng.standard_normal((num, num_times, NUM_JOINTS, 2), np.float32)
    lasting = 0.006 * rng.standard_normal((num, 1, NUM_JOINTS, 2), np.float32)
    stretch = rng.uniform(0.85, 1.18, (num, 1, 1, 2)).astype(np.float32)
    chance = rng.random((num, num_times, NUM_JOINTS), np.float32)
    result = points.copy()
    result[..., :2] = points[..., :2] * stretch + spread + lasting
    result[..., 2] *= chance > 0.02
    return result


def _joints_of(path: Path, close: CloseNetwork, find: FindNetwork) -> Float32Array:
    """Joints at the interval of windows, (num_times, 17, 3), as from `picture_shares`."""
    frames = list(read_video(path))
    seconds = [frame.captured_at_seconds for frame in frames]
    moments = np.arange(seconds[0], seconds[-1] + 1e-6, INTERVAL_SECONDS)
    size_hw = (frames[0].image.shape[0], frames[0].image.shape[1])
    follower = PeopleFollower(close, find, size_hw)
    seen: dict[int, dict[int, Float32Array]] = {}
    nearest = nearest_indices(seconds, moments)
    for index in np.unique(nearest):
        picture: UInt8Array = np.ascontiguousarray(frames[index].image)
        people, _ = follower.look_at(picture, seconds[index])
        for person in people:
            shares = picture_shares(person.pose.points, size_hw)
            seen.setdefault(person.number, {})[int(index)] = shares
    most = max(seen.values(), key=len)
    nobody = np.zeros((NUM_JOINTS, 3), np.float32)
    return np.stack([most.get(int(index), nobody) for index in nearest])
