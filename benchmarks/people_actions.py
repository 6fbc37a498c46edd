"""What the bundled model of people says on clips of real people, by default settings.

    python -m benchmarks.people_actions

The clips are not part of the project. People are followed as live, each with windows of their own;
a window may begin with up to half of its pictures before the person was seen. A clip is named by
the highest mean score, over all windows of the person who is largest for longest, among all labels
including "nothing"; events are those of anybody in it. "Side by side": two clips in one picture,
and how many windows of each person have the label that they have alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from rtaction.arrays import Float32Array, UInt8Array
from rtaction.models import PEOPLE_MODEL, POSE_MODEL
from rtaction.opencv import cv2
from rtaction.pose.keypoints import NUM_JOINTS, VISIBLE_SCORE
from rtaction.pose.network import CloseNetwork, FindNetwork
from rtaction.pose.normal import picture_shares
from rtaction.pose.people import PeopleFollower
from rtaction.prediction import Prediction
from rtaction.realtime.actions.detector import ActionDetector
from rtaction.realtime.actions.rules import ActionRules
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.model.session import open_session
from rtaction.sampling import nearest_indices
from rtaction.video.file import read_video

HERE = Path(__file__).parents[1]
CLIPS = HERE.parent / "shared" / "data"
SETS = ("people_dev/*/*.mp4", "webcam_dev/*/*.mp4", "fights/noFight/*.mp4", "yoga/*/*.mp4")
SMALL = 0.3
FALL_SECONDS = 2.0
# Labelled "nothing" in the folder, though it shows the action.
DOUBTFUL = {"hs_jacks_2": "jumping_jack"}
Networks = tuple[CloseNetwork, FindNetwork]


@dataclass
class Someone:
    """One person in a clip: times and scores of their windows, and how large they are."""

    end_seconds: list[float]
    scores: Float32Array
    weight: float


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
    parser.add_argument("--model", type=Path, default=HERE / "models" / "people.onnx")
    arguments = parser.parse_args()
    if not arguments.clips.is_dir():
        raise SystemExit(f"skipped: no folder {arguments.clips}")
    model = ActionModel(arguments.model, device="cpu")
    close, find = (
        open_session(path.read_bytes(), "cpu", num_threads=1) for path in (POSE_MODEL, PEOPLE_MODEL)
    )
    networks = CloseNetwork(close), FindNetwork(find)
    licensed = licensed_names(arguments.clips)
    for pattern in SETS:
        print_set(model, networks, sorted(arguments.clips.glob(pattern)), licensed, scale=1.0)
    for pattern in SETS[:2]:
        print_set(model, networks, sorted(arguments.clips.glob(pattern)), licensed, scale=SMALL)
    paths = [path for pattern in SETS[:2] for path in sorted(arguments.clips.glob(pattern))]
    print_side_by_side(model, networks, paths)


def licensed_names(clips: Path) -> set[str]:
    """Names of the clips that the model was trained on."""
    from tools.licensed_clips import LICENSED

    return {str(clips / name) for name in LICENSED}


def print_set(
    model: ActionModel, networks: Networks, paths: list[Path], licensed: set[str], *, scale: float
) -> None:
    """One line for each clip with something to tell, and the figures of the set."""
    groups: dict[str, Group] = {}
    for path in paths:
        pictures, times = pictures_of(path, model.spec.frame_interval_seconds, scale)
        people = people_of(model, networks, pictures, times)
        label = DOUBTFUL.get(path.stem, path.parent.name)
        is_action = label in model.spec.labels and label != model.spec.background_label
        kind = "trained on" if str(path) in licensed else ("actions" if is_action else "others")
        events = [event for one in people for event in events_of(model, one)]
        count(groups.setdefault(kind, Group()), model, label, people, events, times)
        if is_action or events:
            said = " ".join(f"{name} at {seconds:.1f} s" for name, seconds in events)
            print(
                f"  {path.parent.name}/{path.stem}: {name_of(model, people)}; events: {said or '-'}"
            )
    for kind, group in groups.items():
        hours = group.seconds / 3600
        print(
            f"{paths[0].parts[-3]} at {scale:g}, {kind}: {group.num} clips, "
            f"{group.num_named} named, {group.num_with_event} with the right event, "
            f"{group.num_two_wrong} with two wrong ones; {len(group.wrong)} wrong events "
            f"({len(group.wrong) / hours:.1f} an hour): {' '.join(group.wrong)}"
        )


def count(
    group: Group,
    model: ActionModel,
    label: str,
    people: list[Someone],
    events: list[tuple[str, float]],
    times: list[float],
) -> None:
    """Add a clip; people on surveillance cameras do walk."""
    walks = {"noFight": {"walk"}}.get(label, set())
    wrong = [name for name, _ in events if name != label and name not in walks]
    wanted = label if label in model.spec.labels else model.spec.background_label
    group.num += 1
    group.num_named += name_of(model, people) == wanted
    group.num_with_event += any(name == label for name, _ in events)
    group.num_two_wrong += len(wrong) > 1
    group.wrong += wrong
    group.seconds += times[-1] - times[0]


def pictures_of(
    path: Path, interval_seconds: float, scale: float
) -> tuple[list[UInt8Array], list[float]]:
    """The pictures nearest to the moments of windows, made smaller on grey, and their times."""
    frames = list(read_video(path))
    seconds = [frame.captured_at_seconds for frame in frames]
    moments = np.arange(seconds[0], seconds[-1] + 1e-6, interval_seconds)
    chosen = np.unique(nearest_indices(seconds, moments))
    pictures = [_smaller(frames[index].image, scale) for index in chosen]
    return pictures, [seconds[index] for index in chosen]


def _smaller(picture: UInt8Array, scale: float) -> UInt8Array:
    if scale == 1.0:
        return np.ascontiguousarray(picture)
    height, width = (max(round(side * scale), 1) for side in picture.shape[:2])
    small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    result = np.full_like(picture, 128)
    top, left = (picture.shape[0] - height) // 2, (picture.shape[1] - width) // 2
    result[top : top + height, left : left + width] = small
    return result


def people_of(
    model: ActionModel, networks: Networks, pictures: list[UInt8Array], times: list[float]
) -> list[Someone]:
    """Everybody in pictures, with the scores of their windows."""
    size_hw = (pictures[0].shape[0], pictures[0].shape[1])
    follower = PeopleFollower(*networks, size_hw)
    joints: dict[int, dict[int, Float32Array]] = {}
    for number, (picture, seconds) in enumerate(zip(pictures, times, strict=True)):
        for person in follower.look_at(picture, seconds)[0]:
            shares = picture_shares(person.pose.points, size_hw)
            joints.setdefault(person.number, {})[number] = shares
    people = [someone(model, one, times) for one in joints.values()]
    return [one for one in people if len(one.scores)]


def someone(model: ActionModel, joints: dict[int, Float32Array], times: list[float]) -> Someone:
    """Scores of one person's windows, from half a window after they came to a second after."""
    spec = model.spec
    size, step = spec.frames_per_clip, spec.frame_interval_seconds
    came = times[min(joints)]
    left = min(times[max(joints)] + 1.0, times[-1])
    nobody = np.zeros((NUM_JOINTS, 3), np.float32)
    ends = np.arange(came + (size // 2 - 1) * step, left + step / 2, step)
    windows = []
    for end in ends:
        moments = end - step * np.arange(size - 1, -1, -1)
        nearest = nearest_indices(times, moments)
        points = [joints.get(int(index), nobody) for index in nearest]
        windows.append(
            [
                one if at > came - step / 2 else nobody
                for one, at in zip(points, moments, strict=True)
            ]
        )
    if not windows:
        return Someone([], np.zeros((0, len(spec.labels)), np.float32), 0.0)
    features = np.array(windows, np.float32).reshape(len(windows), size, -1)
    heights = [_height_of(one) for one in joints.values()]
    return Someone(ends.tolist(), model.score(features), float(np.median(heights)) * len(windows))


def _height_of(points: Float32Array) -> float:
    places = points[points[:, 2] > VISIBLE_SCORE, :2]
    return float(np.linalg.norm(np.ptp(places, axis=0))) if len(places) > 1 else 0.0


def name_of(model: ActionModel, people: list[Someone]) -> str:
    """The label with the highest mean score of the main person."""
    if not people:
        return "nobody"
    scores = max(people, key=lambda one: one.weight).scores.mean(axis=0)
    return model.spec.labels[int(scores.argmax())]


def events_of(model: ActionModel, one: Someone) -> list[tuple[str, float]]:
    """Labels of a person's events, and when each was known."""
    spec = model.spec
    detector = ActionDetector(ActionRules.for_model(spec), spec)
    told: list[tuple[str, float]] = []
    for end, scores in zip(one.end_seconds, one.scores, strict=True):
        prediction = Prediction(
            scores=scores,
            labels=spec.labels,
            start_seconds=end - spec.clip_seconds,
            end_seconds=end,
            latency_seconds=0.0,
            source="",
            frame_age_seconds=0.0,
            frame=None,
        )
        told += [(event.label, end) for event in detector.see(prediction) if not event.end_seconds]
    last = one.end_seconds[-1]
    return told + [(event.label, last) for event in detector.finish() if not event.end_seconds]


def print_side_by_side(model: ActionModel, networks: Networks, paths: list[Path]) -> None:
    """Windows with the label that the same person has alone, of neighbours in the list."""
    step, same, num = model.spec.frame_interval_seconds, 0, 0
    alone = []
    for path in paths:
        pictures, times = pictures_of(path, step, 1.0)
        pictures = [_as_high(picture, 360) for picture in pictures]
        people = people_of(model, networks, pictures, times)
        if len(people) == 1 and abs(np.median(np.diff(times)) - step) < 0.03:
            alone.append((pictures, people[0]))
    for (left, one), (right, other) in pairwise(alone):
        joined = [np.hstack(pair) for pair in zip(left, right, strict=False)]
        times = [number * step for number in range(len(joined))]
        for alone_one, beside in _matched(model, networks, joined, times, (one, other)):
            labels = [alone_one.scores.argmax(axis=1), beside.scores.argmax(axis=1)]
            length = min(map(len, labels))
            same += int((labels[0][:length] == labels[1][:length]).sum())
            num += length
    print(f"side by side: {same} of {num} windows have the label of the same person alone")


def _matched(
    model: ActionModel,
    networks: Networks,
    pictures: list[UInt8Array],
    times: list[float],
    alone: Iterable[Someone],
) -> Iterator[tuple[Someone, Someone]]:
    """Each person alone, with whom of the pictures is likest."""
    people = people_of(model, networks, pictures, times)
    for one in alone:
        if people:
            yield one, min(people, key=lambda other: _apart(one, other))


def _apart(one: Someone, other: Someone) -> float:
    length = min(len(one.scores), len(other.scores))
    return float(np.abs(one.scores[:length] - other.scores[:length]).mean()) if length else np.inf


def _as_high(picture: UInt8Array, height: int) -> UInt8Array:
    width = round(picture.shape[1] * height / picture.shape[0])
    return np.asarray(cv2.resize(picture, (width, height)), np.uint8)


if __name__ == "__main__":
    main()
