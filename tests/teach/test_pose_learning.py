"""Takes of people become a model of joints, one file, if somebody is seen in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rtaction.labelled.videos import find_videos
from rtaction.output_file import write_file
from rtaction.pose.people import PoseNetworks
from rtaction.pose.video_poses import read_poses
from rtaction.realtime.model.action_model import ActionModel
from rtaction.teach import learning
from rtaction.teach.learning import TaughtModel, learn
from rtaction.teach.report import report_lines, result_shown
from tests.made_people import MadePeople, made_networks, write_actions, write_people


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> MadePeople:
    """Networks that read the joints of made people; pictures are not tried by mistake."""
    people = MadePeople()
    monkeypatch.setattr(
        learning, "open_pose_networks", lambda: PoseNetworks(people, people, "made")
    )
    return people


@pytest.fixture(scope="module")
def takes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_actions(tmp_path_factory.mktemp("takes"), num_videos=5)


def _learn(takes: Path, folder: Path) -> tuple[TaughtModel, list[tuple[int, int]]]:
    steps: list[tuple[int, int]] = []
    taught = learn(
        find_videos(takes), folder, on_progress=lambda done, total: steps.append((done, total))
    )
    return taught, steps


def test_joints_that_tell_all_are_taken_without_trying_pictures(
    takes: Path, tmp_path: Path, made: MadePeople, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning, "_learn_pictures", lambda *_: pytest.fail("pictures tried"))
    taught, steps = _learn(takes, tmp_path)

    spec = taught.spec
    assert (spec.modality, spec.resize, spec.frame_shape) == ("pose", "letterbox", (192, 192, 3))
    assert (spec.frames_per_clip, spec.frame_interval_seconds) == (16, 0.125)
    assert list(taught.errors) == ["pose"]
    assert steps == [*((number, 20) for number in range(1, 11)), (20, 20)]
    lines = report_lines(taught)
    assert "input: the joints of people, 16 pictures in 1.9 s" in lines
    assert any("100.0 %" in line for line in lines)
    assert result_shown(taught)[0] == "learned: 100 % of takes right"

    looked = made.num_searches
    _learn(takes, tmp_path)
    assert made.num_searches == looked  # the joints were kept


def test_the_file_gives_the_scores_of_the_fit(
    takes: Path, tmp_path: Path, made: MadePeople
) -> None:
    taught, _ = _learn(takes, tmp_path)
    write_file(tmp_path / "model.onnx", taught.model)
    model = ActionModel(tmp_path / "model.onnx", device="cpu")
    assert model.is_cut
    for name, levels in {
        "hold": np.full(24, 130.0),
        "swing": 150 + 80 * np.sin(np.arange(24) * 0.9),
    }.items():
        path = write_people(tmp_path / f"{name}.mp4", levels)
        poses = read_poses(path, 0.125, made_networks())
        (score,) = model.score(poses.points[:16].reshape(1, 16, 51))
        assert model.spec.labels[int(score.argmax())] == name
        assert score.max() > 0.7


def test_takes_without_anybody_are_left_out_with_the_reason(
    tmp_path: Path, made: MadePeople
) -> None:
    takes = write_actions(tmp_path / "takes", num_videos=6)
    write_people(takes / "swing" / "dark.mp4", [10.0] * 24)
    taught, _ = _learn(takes, tmp_path / "kept")
    assert taught.spec.modality == "pose"
    assert [line.partition("dark.mp4: ")[2] for line in taught.skipped] == ["nobody is seen in it"]


def test_pictures_are_tried_where_nobody_is_seen(tmp_path: Path, made: MadePeople) -> None:
    for number in range(3):
        write_people(tmp_path / "t" / "dark" / f"{number}.mp4", [20.0 + number] * 24)
        write_people(tmp_path / "t" / "light" / f"{number}.mp4", [200.0 + number] * 24)
    taught, steps = _learn(tmp_path / "t", tmp_path / "kept")
    assert taught.spec.modality != "pose"
    assert "pose" not in taught.errors
    assert steps[-1] == (12, 12)
    why = "joints cannot be used: somebody is seen in 3 of 6 takes, and in none of dark"
    assert why in report_lines(taught)


def test_nothing_need_not_show_anybody(tmp_path: Path, made: MadePeople) -> None:
    takes = write_actions(tmp_path / "takes", num_videos=4)
    (takes / "hold").rename(takes / "nothing")
    for number in range(4):
        write_people(takes / "nothing" / f"empty-{number}.mp4", [10.0] * 24)
    taught, _ = _learn(takes, tmp_path / "kept")
    assert taught.spec.modality == "pose"
    assert taught.spec.background_label == "nothing"
    assert len(taught.skipped) == 4
