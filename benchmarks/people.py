"""Who is who on clips of real people: side by side, passing in front of each other, falling.

    python -m benchmarks.people

The clips are not part of the project. They are put side by side, or the strip around one person
slides over another clip, followed at 8 pictures a second by the bundled networks.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path

import numpy as np

from rtaction.arrays import UInt8Array
from rtaction.models import PEOPLE_MODEL, POSE_MODEL
from rtaction.opencv import cv2
from rtaction.pose.network import CloseNetwork, FindNetwork
from rtaction.pose.people import PeopleFollower
from rtaction.realtime.model.session import open_session
from rtaction.video.file import read_video

CLIPS = Path(__file__).parents[2] / "shared" / "data"
ALONE = (
    "webcam_dev/wave/p1_t1.mp4",
    "people_dev/wave/che_wave.mp4",
    "people_dev/arms_raise/che_botharms.mp4",
    "people_dev/punch/che_punch.mp4",
    "people_dev/jumping_jack/tre_jack.mp4",
    "people_dev/nothing/asl_grey_no.mp4",
    "people_dev/squat/che_squat.mp4",
    "people_dev/arms_side/mal_overhead.mp4",
    "webcam_dev/arms_side/p1_t1.mp4",
    "people_dev/nothing/asl_black_eat.mp4",
)
PASSING, PASSED = (1, 2, 3, 4, 6), (0, 1, 2, 3, 6, 8)
STEP_SECONDS, HEIGHT, NUM_MOMENTS = 0.125, 360, 30
AROUND = 0.08  # of the person's height, on both sides of a strip
Seen = list[dict[int, float]]
"""For each picture, where each id is: x of the middle of the joints."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--clips", type=Path, default=CLIPS)
    clips = parser.parse_args().clips
    missing = [name for name in ALONE if not (clips / name).is_file()]
    if missing:
        raise SystemExit(f"skipped: no {', '.join(missing)} in {clips}")
    close, find = (
        open_session(path.read_bytes(), "cpu", num_threads=1) for path in (POSE_MODEL, PEOPLE_MODEL)
    )
    networks = (CloseNetwork(close), FindNetwork(find))
    videos = [pictures_of(clips / name) for name in ALONE]
    for count in (2, 3):
        print_rows(networks, videos, count)
    print_passing(networks, videos)
    for path in sorted(clips.glob("people_dev/fall/*.mp4")):
        ids = follow(networks, pictures_of(path))
        print(f"{path.stem}: " + " ".join("+".join(map(str, now)) or "-" for now in ids))


def pictures_of(path: Path) -> list[UInt8Array]:
    """RGB pictures of a clip, 8 a second, 360 high."""
    pictures, due_seconds = [], 0.0
    for frame in read_video(path):
        if frame.captured_at_seconds >= due_seconds:
            due_seconds += STEP_SECONDS
            height, width = frame.image.shape[:2]
            size_wh = (round(width * HEIGHT / height), HEIGHT)
            pictures.append(np.asarray(cv2.resize(frame.image, size_wh), np.uint8))
    return pictures


def follow(networks: tuple[CloseNetwork, FindNetwork], pictures: Sequence[UInt8Array]) -> Seen:
    """Follow everybody through pictures."""
    follower = PeopleFollower(*networks, (pictures[0].shape[0], pictures[0].shape[1]))
    seen: Seen = []
    for number, picture in enumerate(pictures):
        people, _ = follower.look_at(np.ascontiguousarray(picture), number * STEP_SECONDS)
        seen.append(
            {one.number: float(one.pose.points[one.pose.visible, 1].mean()) for one in people}
        )
    return seen


def print_rows(
    networks: tuple[CloseNetwork, FindNetwork], videos: list[list[UInt8Array]], count: int
) -> None:
    """Clips side by side: is everybody found, and under one id?"""
    num_people = num_found = num_changed = 0
    for first in range(len(videos)):
        row = [videos[(first + 3 * place) % len(videos)] for place in range(count)]
        seen = follow(networks, [np.hstack(pictures) for pictures in zip(*row, strict=False)])
        edges = np.cumsum([video[0].shape[1] for video in row])
        for place in range(count):
            ids = {
                number
                for now in seen
                for number, x in now.items()
                if np.searchsorted(edges, x) == place
            }
            num_people += 1
            num_found += bool(ids)
            num_changed += len(ids) > 1
    print(f"rows of {count}: {num_found} of {num_people} found, {num_changed} changed their id")


def print_passing(
    networks: tuple[CloseNetwork, FindNetwork], videos: list[list[UInt8Array]]
) -> None:
    """A strip around one person slides over somebody else: does each keep the id?"""
    kept = changed = unseen = 0
    pairs = [(a, b) for a, b in permutations(range(len(videos)), 2) if a in PASSING and b in PASSED]
    for passing, passed in pairs:
        for direction in (1, -1):
            ids = before_and_after(networks, videos[passing], videos[passed], direction)
            if ids is None:
                continue
            before, after = ids
            if any(now not in (None, then) for then, now in zip(before, after, strict=True)):
                changed += 1
            elif None in after:
                unseen += 1
            else:
                kept += 1
    print(f"passing: {kept} keep both ids, {changed} do not, {unseen} end with one of them unseen")


def before_and_after(
    networks: tuple[CloseNetwork, FindNetwork],
    passing: list[UInt8Array],
    passed: list[UInt8Array],
    direction: int,
) -> tuple[list[int | None], list[int | None]] | None:
    """Ids of who passes and who is passed, in the first and in the last second, None if unseen.

    None as a whole where the network does not find them alone.
    """
    found = [networks[1].people_in(video[0]) for video in (passing, passed)]
    if not all(found):
        return None
    (top, left, bottom, right), behind = found[0][0].box, found[1][0].box
    spare = AROUND * (bottom - top)
    columns = slice(int(max(left - spare, 0)), int(min(right + spare, passing[0].shape[1])))
    width = columns.stop - columns.start
    pictures, middles = [], []
    for moment in range(NUM_MOMENTS):
        picture = cv2.copyMakeBorder(
            passed[moment % len(passed)], 0, 0, width, width, cv2.BORDER_REPLICATE
        )
        share = moment / (NUM_MOMENTS - 1)
        start = int((share if direction > 0 else 1 - share) * (picture.shape[1] - width))
        picture[:, start : start + width] = passing[moment % len(passing)][:, columns]
        pictures.append(np.asarray(picture, np.uint8))
        middles.append((start + width / 2, (behind[1] + behind[3]) / 2 + width))
    seen = follow(networks, pictures)

    def nearest_ids(moments: range) -> list[int | None]:
        ids: list[int | None] = [None, None]
        for moment in moments:
            for number, x in seen[moment].items():
                ids[int(np.argmin([abs(x - middle) for middle in middles[moment]]))] = number
        return ids

    return nearest_ids(range(7, -1, -1)), nearest_ids(range(NUM_MOMENTS - 8, NUM_MOMENTS))


if __name__ == "__main__":
    main()
