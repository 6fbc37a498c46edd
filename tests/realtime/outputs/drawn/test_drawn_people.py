"""When people are looked for to be drawn, and that they are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from rtaction.arrays import UInt8Array
from rtaction.frame import Frame
from rtaction.pose.crop import Square
from rtaction.pose.keypoints import Pose
from rtaction.pose.people import PoseNetworks
from rtaction.realtime.model.pose_networks import open_pose_networks
from rtaction.realtime.outputs.drawn.drawn_people import DrawnPeople
from rtaction.realtime.outputs.drawn.drawn_source import DrawnSource
from rtaction.train.render.clip import render_clip
from rtaction.video.file import read_video
from rtaction.video.writer import VideoWriter
from tests.conftest import Here

RNG = np.random.default_rng(5)
POINTS = np.concatenate([RNG.uniform(50, 150, (17, 2)), np.full((17, 1), 0.9)], axis=-1)


class Networks:
    """Always see the same person."""

    def __init__(self) -> None:
        self.looks = 0

    def _pose(self) -> Pose:
        return Pose(POINTS.astype(np.float32), 0.9)

    def people_in(self, picture: UInt8Array) -> list[Pose]:
        return [self._pose()]

    def poses_in(self, picture: UInt8Array, squares: Sequence[Square]) -> list[Pose]:
        self.looks += 1
        return [self._pose() for _ in squares]


def _frame(seconds: float, *, segment: int = 0, size_hw: tuple[int, int] = (200, 200)) -> Frame:
    return Frame(np.zeros((*size_hw, 3), np.uint8), seconds, 0, "test", segment)


def test_people_are_looked_at_ten_times_a_second_however_many_frames_come() -> None:
    networks = Networks()
    people = DrawnPeople(PoseNetworks(networks, networks))
    seen = [people.people_in(_frame(number / 30)) for number in range(60)]
    assert 19 <= networks.looks <= 20
    assert [[one.number for one in now] for now in seen] == [[1]] * 60


def test_after_a_cut_people_are_looked_for_anew_though_time_has_gone_back() -> None:
    networks = Networks()
    people = DrawnPeople(PoseNetworks(networks, networks))
    for frame in (_frame(5.0), _frame(1.0, segment=1), _frame(1.01, segment=1, size_hw=(99, 99))):
        before = networks.looks
        assert [one.number for one in people.people_in(frame)] == [1]
        assert networks.looks == before + 1


def test_a_drawn_person_gets_box_and_skeleton_in_both_views() -> None:
    """From pixels, with the bundled networks: at shoulders, hips and the box, and not beside."""
    picture = np.asarray(render_clip("clap", seed=3, size_hw=(240, 320)).images[0], np.uint8)
    frame = Frame(picture, 0.0, 0, "test")
    drawn = DrawnPeople(open_pose_networks())
    (person,) = drawn.people_in(frame)
    plain = DrawnSource("").draw(frame, 1, "CPU", top_k=3)
    with_people = DrawnSource("", people=drawn).draw(frame, 1, "CPU", top_k=3)
    changed = (plain.astype(int) != with_people).any(axis=-1)
    scale = plain.shape[0] / 240
    shoulders = person.pose.points[5:7, :2].mean(axis=0) * scale
    assert changed[round(shoulders[0]) - 3 : round(shoulders[0]) + 4, round(shoulders[1])].any()
    assert changed.mean() < 0.05
    assert not changed[:, -20:].any()

    mirrored = DrawnSource("", mirror=True, people=drawn).draw(frame, 1, "CPU", top_k=3)
    bare = DrawnSource("", mirror=True).draw(frame, 1, "CPU", top_k=3)
    flipped = (bare.astype(int) != mirrored).any(axis=-1)[:, ::-1]
    column = round(shoulders[1])
    assert flipped[round(shoulders[0]) - 3 : round(shoulders[0]) + 4, column].any()


def test_the_command_draws_people_if_asked_to(here: Here, tmp_path: Path, tiny_model: Path) -> None:
    clip = render_clip("clap", seed=3, seconds=1.0, frames_per_second=10.0, size_hw=(480, 640))
    video = tmp_path / "video.avi"
    with closing(VideoWriter(video, frames_per_second=10.0)) as writer:
        for image, seconds in zip(clip.images, clip.times_seconds, strict=True):
            writer.write(image, float(seconds))
    saved = {}
    for options in ((), ("--show-pose",)):
        path = tmp_path / f"saved{len(options)}.avi"
        arguments = ("cam", video, "-m", tiny_model, "--headless", "--save", path)
        code, _, errors = here(*arguments, *options)
        assert code == 0, errors
        saved[len(options)] = [frame.image.astype(int) for frame in read_video(path)]
    for plain, with_people in zip(saved[0], saved[1], strict=True):
        lines = np.abs(with_people - plain).max(axis=-1) > 60
        assert 0.002 < lines.mean() < 0.1
        assert not lines[:, -40:].any()
