"""Pose networks on clips of real people: milliseconds, joints found, distances and jitter.

    python -m tools.make_pose --all --output-dir networks/
    python -m tools.make_pose --all --float32 --output-dir networks32/
    python -m benchmarks.pose networks/ --float32 networks32/

The clips are not part of the project. Nobody has marked their joints, so those stand in for the
truth on which MoveNet Thunder and BlazePose full agree within a quarter of the shoulder width.
Distances are in shoulder widths (`rtaction.pose.normal`). One thread, networks in turns.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime

from benchmarks.blazepose import BlazePose, pose_from, upright
from rtaction.arrays import Float32Array, UInt8Array
from rtaction.opencv import cv2
from rtaction.pose.crop import Square, square_around, whole_picture
from rtaction.pose.keypoints import HIPS, SHOULDERS, VISIBLE_SCORE, Pose
from rtaction.pose.network import CLOSE_SIZE, CloseNetwork, FindNetwork
from rtaction.pose.normal import normalised
from rtaction.realtime.model.session import open_session

CLIPS = Path(__file__).parents[2] / "shared" / "data"
SETS = ("people_dev", "webcam_dev")
FRAMES_PER_SECOND, MOST_FRAMES, FIND_EVERY = 10.0, 20, 10
AGREED, FOUND = 0.25, 0.5  # shoulder widths
STILL = 0.03  # shoulder widths from one picture to the next, by both stand-ins
LYING_DEGREES = 60.0
SMALL = 0.3
REFERENCES = ("thunder", "blazepose full")


@dataclass
class Tally:
    """What one network did in one group of pictures."""

    num_sure: int = 0
    num_found: int = 0
    num_pictures: int = 0
    num_complete: int = 0
    distances: list[float] = field(default_factory=list)
    jitter: list[float] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("networks", type=Path, help="folder of all networks")
    parser.add_argument("--float32", type=Path, help="folder of the same with float32 weights")
    parser.add_argument("--clips", type=Path, default=CLIPS)
    given = parser.parse_args()
    paths = sorted(path for name in SETS for path in given.clips.glob(f"{name}/*/*.mp4"))
    if not paths:
        raise SystemExit(f"skipped: no clips in {given.clips} ({', '.join(SETS)})")
    networks = Networks(given.networks)
    tallies: dict[str, dict[str, Tally]] = defaultdict(lambda: defaultdict(Tally))
    for path in paths:
        pictures = list(pictures_of(path))
        measure(networks, pictures, tallies, is_small=False)
        measure(networks, [shrunk(one) for one in pictures], tallies, is_small=True)
        print(f"{path.parent.name}/{path.stem}", flush=True)
    print_tallies(tallies)
    some = [picture for path in paths for picture in list(pictures_of(path))[3::8]]
    print_milliseconds(networks, some)
    if given.float32:
        print_storage(networks, Networks(given.float32), some)


class Networks:
    """All networks in a folder, on one thread."""

    def __init__(self, folder: Path) -> None:
        def opened(name: str) -> onnxruntime.InferenceSession:
            content = (folder / f"{name}.onnx").read_bytes()
            return open_session(content, "cpu", num_threads=1)

        self._lightning = opened("movenet_lightning")
        self.lightning = CloseNetwork(self._lightning)
        self.thunder = CloseNetwork(opened("movenet_thunder"), size=256)
        self.multipose = FindNetwork(opened("movenet_multipose"))
        self.blazepose = {name: BlazePose(opened(f"blazepose_{name}")) for name in ("lite", "full")}

    def poses(self, picture: UInt8Array, square: Square, near: Pose) -> dict[str, Pose]:
        """What each makes of one person, from the same place in the picture."""
        size_hw = (picture.shape[0], picture.shape[1])
        (lightning,) = self.lightning.poses_in(picture, [square])
        (whole,) = self.lightning.poses_in(picture, [whole_picture(size_hw)])
        (thunder,) = self.thunder.poses_in(picture, [square])
        people = self.multipose.people_in(picture)
        nobody = Pose(np.zeros((17, 3), np.float32), 0.0)
        found = nearest(people, thunder) if people else nobody
        return {
            "lightning": lightning,
            "lightning, turned upright": self._upright(picture, near, square),
            "lightning, whole picture": whole,
            "multipose": found,
            "thunder": thunder,
        } | {
            f"blazepose {name}": network.pose_around(picture, thunder, square)
            for name, network in self.blazepose.items()
        }

    def _upright(self, picture: UInt8Array, near: Pose, square: Square) -> Pose:
        turned, matrix = upright(picture, near, square, CLOSE_SIZE)
        (found,) = self._lightning.run(None, {"pictures": turned[np.newaxis]})
        return pose_from(found[0, :, 1::-1] * CLOSE_SIZE, found[0, :, 2], matrix)


def pictures_of(path: Path) -> Iterator[UInt8Array]:
    """RGB pictures, about ten a second, of the middle of a clip."""
    video = cv2.VideoCapture(str(path))
    rate = video.get(cv2.CAP_PROP_FPS) or 30.0
    step = max(round(rate / FRAMES_PER_SECOND), 1)
    total = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
    start = max((total - step * MOST_FRAMES) // 2, 0)
    for number in range(start + step * MOST_FRAMES):
        if not video.grab():
            break
        if number >= start and (number - start) % step == 0:
            yield np.ascontiguousarray(video.retrieve()[1][..., ::-1])


def shrunk(picture: UInt8Array) -> UInt8Array:
    """The picture at .3 of its size, in the middle of grey."""
    height, width = picture.shape[:2]
    inner = cv2.resize(picture, None, fx=SMALL, fy=SMALL, interpolation=cv2.INTER_AREA)
    result = np.full_like(picture, 110)
    top, left = (height - inner.shape[0]) // 2, (width - inner.shape[1]) // 2
    result[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    return result


def measure(
    networks: Networks,
    pictures: list[UInt8Array],
    tallies: dict[str, dict[str, Tally]],
    *,
    is_small: bool,
) -> None:
    """Follow the surest person through a clip, and compare all networks on them."""
    square, last = None, None
    before: list[dict[str, Pose]] = []
    for number, picture in enumerate(pictures):
        size_hw = (picture.shape[0], picture.shape[1])
        if last is None or number % FIND_EVERY == 0:
            people = networks.multipose.people_in(picture)
            if not people:
                last, before = None, []
                continue
            last = people[0] if last is None else nearest(people, last)
            square = None
        square = square_around(last, size_hw, before=square)
        if square is None:
            last, before = None, []
            continue
        poses = networks.poses(picture, square, last)
        last = poses["lightning"] if poses["lightning"].score > VISIBLE_SCORE else None
        unit = float(normalised(poses["thunder"].points, size_hw).unit)
        before = [*before[-2:], poses]
        groups = ["small"] if is_small else ["all"] + ["lying"] * is_lying(poses["thunder"])
        for group in groups:
            count(tallies[group], before, unit)


def count(tallies: dict[str, Tally], before: list[dict[str, Pose]], unit: float) -> None:
    """Add one picture, the last of those before."""
    poses = before[-1]
    first, second = (poses[name].points for name in REFERENCES)
    apart = np.linalg.norm(first[:, :2] - second[:, :2], axis=-1) / unit
    sure = (apart < AGREED) & (first[:, 2] > VISIBLE_SCORE) & (second[:, 2] > 0.5)
    if sure.sum() < 5:
        return
    truth = (first[:, :2] + second[:, :2]) / 2
    still = sure & _is_still(before, unit)
    for name, pose in poses.items():
        tally = tallies[name]
        distance = np.linalg.norm(pose.points[:, :2] - truth, axis=-1) / unit
        found = (distance < FOUND) & (pose.points[:, 2] > VISIBLE_SCORE)
        tally.num_sure += int(sure.sum())
        tally.num_found += int((found & sure).sum())
        tally.num_pictures += 1
        tally.num_complete += bool(found[sure].all())
        tally.distances += distance[sure & (pose.points[:, 2] > VISIBLE_SCORE)].tolist()
        if still.any():
            one, two, three = (moment[name].points[:, :2] for moment in before)
            shake = np.linalg.norm(two - (one + three) / 2, axis=-1) / unit
            tally.jitter += shake[still].tolist()


def _is_still(before: list[dict[str, Pose]], unit: float) -> Float32Array:
    """Joints that both stand-ins saw at rest in the last three pictures, bool (17,)."""
    if len(before) < 3:
        return np.zeros(17, bool)
    still = np.ones(17, bool)
    for name in REFERENCES:
        places = np.stack([moment[name].points[:, :2] for moment in before])
        still &= (np.linalg.norm(places[2] - places[0], axis=-1) / unit) < STILL
    return still


def is_lying(pose: Pose) -> bool:
    """Whether the trunk is nearer to level than to upright."""
    up = pose.points[SHOULDERS, :2].mean(axis=0) - pose.points[HIPS, :2].mean(axis=0)
    seen = pose.visible[SHOULDERS].any() and pose.visible[HIPS].any()
    return bool(seen and np.degrees(np.arctan2(abs(up[1]), -up[0])) > LYING_DEGREES)


def nearest(people: list[Pose], one: Pose) -> Pose:
    """Whose joints are nearest to somebody's, by the median."""
    places = np.stack([other.points[:, :2] for other in people])
    distances = np.linalg.norm(places - one.points[:, :2], axis=-1)  # (people, 17)
    return people[int(np.median(distances, axis=-1).argmin())]


def print_tallies(tallies: dict[str, dict[str, Tally]]) -> None:
    for group, by_name in tallies.items():
        print(f"\n{group}: {next(iter(by_name.values())).num_pictures} pictures")
        print("| network | joints found | all found | distance p50 / p95 | jitter p50 / p95 |")
        for name, one in by_name.items():
            distance, jitter = (
                " / ".join(f"{np.percentile(values, q):.3f}" for q in (50, 95)) if values else "-"
                for values in (one.distances, one.jitter)
            )
            found = one.num_found / max(one.num_sure, 1)
            complete = one.num_complete / max(one.num_pictures, 1)
            print(f"| {name} | {found:.3f} | {complete:.2f} | {distance} | {jitter} |")


def print_milliseconds(networks: Networks, pictures: list[UInt8Array]) -> None:
    """Medians of one run in turns, cutting and resizing included."""
    seconds = defaultdict(list)
    for picture in pictures:
        for name, run in turns(networks, picture):
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    print()
    for name, values in seconds.items():
        print(f"{name}: {1000 * np.median(values):.1f} ms")


def turns(
    networks: Networks, picture: UInt8Array
) -> Iterator[tuple[str, Callable[[], Pose | list[Pose]]]]:
    """Each network's name, and a function that runs it on the picture."""
    square = whole_picture((picture.shape[0], picture.shape[1]))
    (pose,) = networks.thunder.poses_in(picture, [square])
    yield "lightning", partial(networks.lightning.poses_in, picture, [square])
    yield "thunder", partial(networks.thunder.poses_in, picture, [square])
    yield "multipose", partial(networks.multipose.people_in, picture)
    for name, network in networks.blazepose.items():
        yield f"blazepose {name}", partial(network.pose_around, picture, pose, square)


def print_storage(stored: Networks, exact: Networks, pictures: list[UInt8Array]) -> None:
    """How far joints are from those with float32 weights."""
    far: dict[str, list[float]] = defaultdict(list)
    for picture in pictures:
        size_hw = (picture.shape[0], picture.shape[1])
        for one in exact.multipose.people_in(picture):
            square = square_around(one, size_hw)
            others = stored.multipose.people_in(picture)
            if square is None or not others:
                continue
            pairs = {
                "multipose": (one, nearest(others, one)),
                "lightning": tuple(
                    networks.lightning.poses_in(picture, [square])[0]
                    for networks in (exact, stored)
                ),
            }
            for name, (right, here) in pairs.items():
                unit = float(normalised(right.points, size_hw).unit)
                apart = np.linalg.norm(right.points[:, :2] - here.points[:, :2], axis=-1) / unit
                far[name] += apart[right.visible].tolist()
    print("\nfrom float32 weights, in shoulder widths")
    for name, values in far.items():
        print(f"{name}: p50 {np.median(values):.4f}, p95 {np.percentile(values, 95):.4f}")


if __name__ == "__main__":
    main()
