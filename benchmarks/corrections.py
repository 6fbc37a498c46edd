"""How many labelled corrections bring wrong labels right: uncertain moments against random ones.

    python -m benchmarks.corrections --clips ../shared/data

The clips are not part of the project. Three groups of people, drawn anew in each of three draws:
the first are taught from; clips of the second are watched by `rtaction cam --save-uncertain`, and
what it saves is labelled by the truth, as `rtaction label` does; clips of the third are judged, by
the highest mean score over the windows of their main person. Random moments are cut from the same
clips of the second people, as long as the saved ones. Each figure is a mean over draws, and over
orders in which the corrections are taken.

    yoga      taught from 2 of 11 people, watched 3, judged 6
    gestures  taught from webcam_dev (1 person) and "nothing" of 2 people; the people of people_dev
              who wave, raise their arms, hold them out or do "nothing", halved

Joints only, which is what `rtaction teach` takes where they tell all takes apart.
"""

from __future__ import annotations

import argparse
import csv
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from rtaction.errors import SourceError
from rtaction.labelled.corrections import find_corrections
from rtaction.labelled.videos import Video
from rtaction.pose.video_poses import VideoPoses
from rtaction.realtime.cam import run_cam
from rtaction.realtime.cam_config import CamConfig
from rtaction.realtime.judging.watched import judge_videos, of_main_person
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.model.pose_networks import open_pose_networks
from rtaction.teach.learning import BACKGROUND
from rtaction.teach.pace import POSE_INTERVAL_SECONDS
from rtaction.teach.pose_learning import learn_pose
from rtaction.teach.take_poses import PoseStore
from rtaction.teach.takes import TakesFolder
from rtaction.teach.waiting_clips import WaitingClips
from rtaction.video.file import read_length_seconds, read_video

CLIPS = Path(__file__).parents[2] / "shared" / "data"
NUM_DRAWS, NUM_ORDERS = 3, 2
COUNTS = (1, 2, 4, 8)
GESTURES = ("wave", "arms_raise", "arms_side", BACKGROUND)
_ALL_MOMENTS = 10_000


@dataclass(frozen=True)
class Drawn:
    """Clips by their use; `group` is the person."""

    taught: list[Video]
    watched: list[Video]
    judged: list[Video]


class Bench:
    """Teaches and judges, with the joints of each clip read once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._networks = open_pose_networks()
        self._store = PoseStore(folder / "joints", self._networks)
        self._num_models = 0

    def teach(self, videos: Sequence[Video]) -> ActionModel:
        """A model of joints, as `rtaction teach` makes it."""
        durations = {}
        for video in videos:
            self._poses_of(video.path)  # more than the fit reads, so that they are read only once
            durations[video] = read_length_seconds(video.path)
        learned = learn_pose(durations, self._store, BACKGROUND, on_take=lambda: None)
        if isinstance(learned, str):
            raise SystemExit(f"joints cannot be learned: {learned}")
        self._num_models += 1
        path = self.folder / f"taught-{self._num_models}.onnx"
        path.write_bytes(learned.model(learned.spec(BACKGROUND)))
        model = ActionModel(path, device="cpu", num_threads=2)
        path.unlink()
        return model

    def name(self, model: ActionModel, path: Path) -> str:
        """The label with the highest mean score over the windows; "" if nobody is seen."""
        poses = self._poses_of(path)
        num_frames = model.spec.frames_per_clip
        starts = poses.window_starts(num_frames, max(num_frames // 4, 1))
        if not len(starts):
            return ""
        windows = poses.points[starts[:, np.newaxis] + np.arange(num_frames)]
        scores = model.score(windows.reshape(len(starts), num_frames, -1))
        return model.spec.labels[int(scores.mean(axis=0).argmax())]

    def with_people(self, videos: Sequence[Video], model: ActionModel) -> list[Video]:
        """The clips in which somebody is seen for a whole window, so that they can be learned."""
        num = model.spec.frames_per_clip
        return [video for video in videos if len(self._poses_of(video.path).window_starts(num, 1))]

    def _poses_of(self, path: Path) -> VideoPoses:
        return self._store.of(path, POSE_INTERVAL_SECONDS, most_moments=_ALL_MOMENTS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--clips", type=Path, default=CLIPS)
    parser.add_argument("--draws", type=int, default=NUM_DRAWS)
    parser.add_argument("--orders", type=int, default=NUM_ORDERS)
    parser.add_argument("--check", action="store_true", help="Judge as `rtaction cam`, too.")
    arguments = parser.parse_args()
    if not arguments.clips.is_dir():
        raise SystemExit(f"skipped: no folder {arguments.clips}")
    logging.getLogger("rtaction").setLevel(logging.ERROR)
    with TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        for name, draw in (("gestures", draw_gestures), ("yoga", draw_yoga)):
            results: dict[tuple[str, int], list[tuple[int, int, int]]] = {}
            for number in range(arguments.draws):
                drawn = draw(arguments.clips, np.random.default_rng(number))
                place = Path(folder) / f"{name}-{number}"
                measure(bench, drawn, place, number, results, arguments)
            print_means(name, results)


def draw_yoga(clips: Path, random: np.random.Generator) -> Drawn:
    videos = [
        Video(path, path.parent.name, path.name[:3])
        for path in sorted((clips / "yoga").rglob("*.mp4"))
    ]
    people = sorted({video.group for video in videos})
    random.shuffle(people)
    return Drawn(*(_of(videos, some) for some in (people[:2], people[2:5], people[5:])))


def draw_gestures(clips: Path, random: np.random.Generator) -> Drawn:
    with (clips / "people_dev" / "SOURCES.tsv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["label"] in GESTURES]
    videos = [Video(clips / row["path"], row["label"], row["person"]) for row in rows]
    videos = [video for video in videos if video.path.is_file()]
    doing = sorted({video.group for video in videos if video.label != BACKGROUND})
    idle = sorted({video.group for video in videos} - set(doing))
    for people in (doing, idle):
        random.shuffle(people)
    webcam = sorted((clips / "webcam_dev").rglob("*.mp4"))
    taught = [Video(path, path.parent.name, "webcam") for path in webcam] + _of(videos, idle[:2])
    rest = idle[2:]
    watched = doing[: len(doing) // 2] + rest[: len(rest) // 2]
    judged = doing[len(doing) // 2 :] + rest[len(rest) // 2 :]
    return Drawn(taught, _of(videos, watched), _of(videos, judged))


def _of(videos: Sequence[Video], people: Sequence[str]) -> list[Video]:
    return [video for video in videos if video.group in people]


def measure(
    bench: Bench,
    drawn: Drawn,
    place: Path,
    seed: int,
    results: dict[tuple[str, int], list[tuple[int, int, int]]],
    arguments: argparse.Namespace,
) -> None:
    """Add, for each kind and number of corrections: right clips, clips brought right, and lost."""
    random = np.random.default_rng(100 + seed)
    model = bench.teach([_alone(video) for video in drawn.taught])
    judged = [video for video in drawn.judged if bench.name(model, video.path)]
    before = [bench.name(model, video.path) == video.label for video in judged]
    if arguments.check and seed == 0:
        check(bench, model, judged)
    uncertain = bench.with_people(watch(model, drawn.watched, place), model)
    lengths = [read_length_seconds(video.path) for video in uncertain]
    chance = cut_at_random(drawn.watched, place / "random", lengths, 2 * max(COUNTS), random)
    chance = bench.with_people(chance, model)
    print(
        f"{place.name}: {len(drawn.taught)} clips taught, {len(drawn.watched)} watched, "
        f"{len(uncertain)} saved; {sum(before)} of {len(judged)} right",
        flush=True,
    )
    results.setdefault(("before", 0), []).append((sum(before), len(judged), 0))
    for kind, corrections in (("uncertain", uncertain), ("random", chance)):
        for _ in range(arguments.orders):
            order = random.permutation(len(corrections))
            for count in COUNTS:
                if count > len(corrections):
                    continue
                some = [corrections[i] for i in order[:count]]
                again = bench.teach([_alone(video) for video in drawn.taught] + some)
                after = [bench.name(again, video.path) == video.label for video in judged]
                gained = sum(now and not then for then, now in zip(before, after, strict=True))
                lost = sum(then and not now for then, now in zip(before, after, strict=True))
                results.setdefault((kind, count), []).append((sum(after), gained, lost))


def _alone(video: Video) -> Video:
    """Each take is a group of its own, as in `rtaction teach`."""
    return Video(video.path, video.label, video.path.as_posix())


def watch(model: ActionModel, videos: Sequence[Video], place: Path) -> list[Video]:
    """The clips that `rtaction cam --save-uncertain` saves, labelled by the truth."""
    label_of = {str(video.path): video.label for video in videos}
    run_cam(model, CamConfig(sources=tuple(label_of), show=False, save_uncertain=place / "saved"))
    clips = WaitingClips(place / "saved")
    for clip in clips.waiting:
        record = json.loads(clip.with_suffix(".json").read_text(encoding="utf-8"))
        clips.label(clip, label_of[record["source"]])
    return find_corrections(place / "saved")


def cut_at_random(
    videos: Sequence[Video],
    folder: Path,
    lengths_seconds: Sequence[float],
    count: int,
    random: np.random.Generator,
) -> list[Video]:
    """As many moments, each from another clip where there are enough."""
    takes = TakesFolder(folder)
    for index in random.permutation(len(videos))[:count]:
        video = videos[index]
        length = float(random.choice(list(lengths_seconds)))
        latest = max(read_length_seconds(video.path) - length, 0.0)
        start = float(random.uniform(0.0, latest))
        take = takes.begin(video.label)
        for frame in read_video(video.path):
            if start <= frame.captured_at_seconds <= start + length:
                take.add(frame.image, frame.captured_at_seconds)
        take.finish()
    return find_corrections(folder)


def check(bench: Bench, model: ActionModel, videos: Sequence[Video]) -> None:
    """How often the short way to judge a clip says what watching it says."""
    num_same = 0
    for video in videos:
        try:
            (judged,) = judge_videos(model, [video.path])
        except SourceError:
            continue
        scores = [one.scores for one in of_main_person(judged).predictions]
        if scores:
            watched = model.spec.labels[int(np.mean(scores, axis=0).argmax())]
            num_same += watched == bench.name(model, video.path)
    print(f"  the same label by watching: {num_same} of {len(videos)}", flush=True)


def print_means(name: str, results: dict[tuple[str, int], list[tuple[int, int, int]]]) -> None:
    """Gains and losses, not sums: a draw with few corrections has no row for many of them."""
    rows = results.pop(("before", 0))
    right, judged = (np.mean([row[i] for row in rows]) for i in (0, 1))
    print(f"{name}: before {right:.1f} of {judged:.1f} right (mean over {len(rows)} draws)")
    for (kind, count), rows in results.items():
        gained, lost = (np.mean([row[i] for row in rows]) for i in (1, 2))
        print(
            f"{name}: {count} {kind}: {gained:.1f} brought right, {lost:.1f} lost "
            f"({len(rows)} runs)"
        )


if __name__ == "__main__":
    main()
