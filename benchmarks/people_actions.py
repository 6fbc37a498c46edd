"""What the bundled model of people says on clips of real people, by default settings.

    python -m benchmarks.people_actions

The clips are not part of the project; the model's card says which of them it was trained on, and
which were looked at. They are watched as by `rtaction cam`. A clip is named by the highest mean
score, over all windows of its main person, among all labels including "nothing"; events are those
of anybody in it. "Small": the picture at .3 of its size, on grey. "Side by side": two clips in one
picture, and how many windows have the label that the same person has alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from rtaction.arrays import UInt8Array
from rtaction.models import ACTIONS_MODEL
from rtaction.opencv import cv2
from rtaction.prediction import Prediction
from rtaction.realtime.actions.rules import ActionRules
from rtaction.realtime.judging.tuning import find_events
from rtaction.realtime.judging.watched import judge_videos, of_main_person
from rtaction.realtime.model.action_model import ActionModel
from rtaction.video.file import read_video
from rtaction.video.writer import VideoWriter
from tools.licensed_clips import LICENSED

CLIPS = Path(__file__).parents[2] / "shared" / "data"
SETS = ("people_dev", "webcam_dev", "fights/noFight", "yoga")
SMALL_SETS, SMALL = SETS[:2], 0.3
HEIGHT = 360  # of pictures side by side
# Labelled "nothing" by its folder, though it shows the action.
DOUBTFUL = {"hs_jacks_2": "jumping_jack"}


@dataclass
class Group:
    """Figures of some clips."""

    num: int = 0
    num_named: int = 0
    num_with_event: int = 0
    num_two_wrong: int = 0
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--clips", type=Path, default=CLIPS)
    parser.add_argument("--model", type=Path, default=ACTIONS_MODEL)
    arguments = parser.parse_args()
    if not arguments.clips.is_dir():
        raise SystemExit(f"skipped: no folder {arguments.clips}")
    model = ActionModel(arguments.model, device="cpu")
    for name in SETS:
        print_set(model, arguments.clips, name)
    with TemporaryDirectory() as folder:
        for name in SMALL_SETS:
            print_set(model, arguments.clips, name, small_in=Path(folder))
        paths = [path for name in SMALL_SETS for path in clips_of(arguments.clips, name)]
        print_side_by_side(model, paths, Path(folder))


def clips_of(clips: Path, name: str) -> list[Path]:
    return sorted((clips / name).rglob("*.mp4"))


def print_set(model: ActionModel, clips: Path, name: str, small_in: Path | None = None) -> None:
    """One line for each action, and for other clips with events; then the figures of the set."""
    groups: dict[str, Group] = {}
    licensed = {clips / one for one in LICENSED}
    for path in clips_of(clips, name):
        label = DOUBTFUL.get(path.stem, path.parent.name)
        is_action = label in model.spec.labels and label != model.spec.background_label
        kind = "trained on" if path in licensed else ("actions" if is_action else "others")
        group = groups.setdefault(kind, Group())
        shown = path if small_in is None else made_small(path, small_in / "small.avi")
        told = count(group, model, shown, label)
        if is_action or "events: -" not in told:
            print(f"  {path.parent.name}/{path.stem}: {told}")
    size = "" if small_in is None else f" at {SMALL:g} of the size"
    for kind, group in groups.items():
        an_hour = 3600 * len(group.wrong) / group.seconds
        print(
            f"{name}{size}, {kind}: {group.num} clips, {group.num_named} named, "
            f"{group.num_with_event} with the right event, {group.num_two_wrong} with two wrong "
            f"ones; {len(group.wrong)} wrong events ({an_hour:.1f} an hour): "
            + " ".join(group.wrong)
        )


def count(group: Group, model: ActionModel, path: Path, label: str) -> str:
    """Judge a clip, and tell what was said of it. People on surveillance cameras do walk."""
    (judged,) = judge_videos(model, [path])
    events = find_events(judged.predictions, ActionRules.for_model(model.spec), model.spec)
    name = name_of(of_main_person(judged).predictions)
    right = {label} | ({"walk"} if label == "noFight" else set())
    wrong = [event.label for event in events if event.label not in right]
    wanted = label if label in model.spec.labels else model.spec.background_label
    group.num += 1
    group.num_named += name == wanted
    group.num_with_event += any(event.label == label for event in events)
    group.num_two_wrong += len(wrong) > 1
    group.wrong += wrong
    group.seconds += judged.duration_seconds
    told = " ".join(f"{event.label} at {event.reported_seconds:.1f} s" for event in events)
    return f"{name or 'nobody'}; events: {told or '-'}"


def name_of(predictions: tuple[Prediction, ...]) -> str:
    """The label with the highest mean score; "" without predictions."""
    if not predictions:
        return ""
    scores = np.mean([one.scores for one in predictions], axis=0)
    return predictions[0].labels[int(scores.argmax())]


def made_small(path: Path, to: Path) -> Path:
    """The same video with smaller pictures, in the middle of grey ones."""
    frames = [(frame.image, frame.captured_at_seconds) for frame in read_video(path)]
    height, width = (max(round(side * SMALL), 1) for side in frames[0][0].shape[:2])

    def small(picture: UInt8Array) -> UInt8Array:
        result = np.full_like(picture, 128)
        top, left = (picture.shape[0] - height) // 2, (picture.shape[1] - width) // 2
        inner = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        result[top : top + height, left : left + width] = inner
        return result

    return written(to, [small(picture) for picture, _ in frames], [at for _, at in frames])


def written(path: Path, pictures: list[UInt8Array], times: list[float]) -> Path:
    """Pictures as a video file, in place of the one that is there."""
    path.unlink(missing_ok=True)
    rate = (len(times) - 1) / (times[-1] - times[0])
    writer = VideoWriter(path, frames_per_second=rate)
    for picture, at in zip(pictures, times, strict=True):
        writer.write(picture, at)
    writer.close()
    return path


def print_side_by_side(model: ActionModel, paths: list[Path], folder: Path) -> None:
    """Windows with the label that the same person has alone, of neighbours in the list."""
    same = num = 0
    for left, right in pairwise(list(single_people(model, paths, folder))):
        size = min(len(left), len(right))
        joined = [np.hstack(pair) for pair in zip(left[:size], right[:size], strict=True)]
        both = [people_in(model, one[:size], folder) for one in (left, right)]
        beside = people_in(model, joined, folder)
        for (alone,) in [one for one in both if len(one) == 1]:
            # Whoever of the two is likest is the same person.
            agreements = [
                [labels[end] == label for end, label in alone.items() if end in labels]
                for labels in beside
            ]
            best = max(agreements, key=sum, default=[])
            same += sum(best)
            num += len(alone)
    print(f"side by side: {same} of {num} windows have the label of the same person alone")


def single_people(
    model: ActionModel, paths: list[Path], folder: Path
) -> Iterator[list[UInt8Array]]:
    """The pictures of clips with one person, as high as each other, at the model's rate."""
    for path in paths:
        pictures: list[UInt8Array] = []
        for frame in read_video(path):
            while frame.captured_at_seconds >= len(pictures) * model.spec.frame_interval_seconds:
                height, width = frame.image.shape[:2]
                size_wh = (2 * round(width * HEIGHT / height / 2), HEIGHT)
                pictures.append(np.asarray(cv2.resize(frame.image, size_wh), np.uint8))
        if len(people_in(model, pictures, folder)) == 1:
            yield pictures


def people_in(
    model: ActionModel, pictures: list[UInt8Array], folder: Path
) -> list[dict[float, str]]:
    """For each person, the labels of their windows by the windows' ends."""
    interval = model.spec.frame_interval_seconds
    times = [number * interval for number in range(len(pictures))]
    (judged,) = judge_videos(model, [written(folder / "people.avi", pictures, times)])
    people: dict[int | None, dict[float, str]] = {}
    for one in judged.predictions:
        labels = people.setdefault(one.person, {})
        labels[round(one.end_seconds, 2)] = one.label
    return list(people.values())


if __name__ == "__main__":
    main()
