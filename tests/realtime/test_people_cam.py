"""From pixels to what `rtaction cam` says of people, with the real pose networks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

import rtaction
from rtaction.arrays import UInt8Array
from rtaction.frame import Frame
from rtaction.pose.crop import Square, whole_picture
from rtaction.pose.keypoints import Pose
from rtaction.pose.normal import normalised
from rtaction.pose.people import LooksClosely, PoseNetworks
from rtaction.prediction import Prediction
from rtaction.realtime.actions.detector import ActionEvent
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.watching.follower import Follower
from rtaction.realtime.watching.options import WatchOptions
from rtaction.train.render.clip import render_clip
from rtaction.video.file import read_video
from rtaction.video.writer import VideoWriter
from tests.conftest import Here
from tests.person_model import PERSON_SPEC, write_person_model
from tests.realtime.conftest import assert_one_error, json_lines

RATE = 8.0
HANDS_UP, HANDS_DOWN = ("arms_raise", 5), ("nothing", 4)
"""Label and seed of drawn people, one of whom lifts the hands between 0.5 and 2 s."""


def _drawn(*people: tuple[str, int], seconds: float = 3.0, size: int = 288) -> list[UInt8Array]:
    """Drawn people side by side, each in a square."""
    clips = [
        render_clip(
            label, seed=seed, seconds=seconds, frames_per_second=RATE, size_hw=(size, size)
        ).images
        for label, seed in people
    ]
    return [np.concatenate(row, axis=1) for row in zip(*clips, strict=True)]


def _video(path: Path, pictures: Sequence[UInt8Array]) -> Path:
    with closing(VideoWriter(path, frames_per_second=RATE)) as writer:
        for number, picture in enumerate(pictures):
            writer.write(picture, number / RATE)
    return path


@pytest.fixture(scope="module")
def person_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_person_model(tmp_path_factory.mktemp("model") / "hands.onnx")


@pytest.fixture(scope="module")
def two_people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One who lifts the hands on the left, one who does nothing on the right."""
    path = tmp_path_factory.mktemp("video") / "two.avi"
    return _video(path, _drawn(HANDS_UP, HANDS_DOWN))


class WholeSquare:
    """Looks at the whole picture, whatever square it is told."""

    def __init__(self, network: LooksClosely) -> None:
        self._network = network

    def poses_in(self, picture: UInt8Array, squares: Sequence[Square]) -> list[Pose]:
        size_hw = (picture.shape[0], picture.shape[1])
        return self._network.poses_in(picture, [whole_picture(size_hw)] * len(squares))


def _live(
    model: ActionModel, pictures: Sequence[UInt8Array], networks: PoseNetworks
) -> list[Prediction]:
    follower = Follower(model, "test", WatchOptions(networks=networks))
    found = []
    for number, picture in enumerate(pictures):
        found += follower.see(Frame(picture, number / RATE, number, "test")).predictions
    return found


def _whole_file(path: Path, pictures: Sequence[UInt8Array]) -> np.ndarray:
    """The scores of all windows, by onnxruntime alone."""
    frames = PERSON_SPEC.frames_per_clip
    windows = [pictures[end - frames : end] for end in range(frames, len(pictures) + 1)]
    session = onnxruntime.InferenceSession(path)
    (scores,) = session.run(["scores"], {"clip": np.stack(windows)})
    return np.asarray(scores)


def test_the_live_path_gives_the_scores_of_the_whole_file(person_model: Path) -> None:
    """Where both look at the same square, to within 1e-4."""
    pictures = _drawn(HANDS_UP, size=192)
    model = ActionModel(person_model, device="cpu")
    networks = PoseNetworks(WholeSquare(model.pose_networks.close), model.pose_networks.find)
    predictions = _live(model, pictures, networks)
    whole = _whole_file(person_model, pictures)
    full = [one for one in predictions if one.start_seconds >= 0]
    assert len(full) == len(whole) == len(pictures) - 7
    # The first picture of the first window was read by the network that finds people.
    live = np.stack([one.scores for one in full])
    np.testing.assert_allclose(live[1:], whole[1:], atol=1e-4)
    assert whole[:, 0].min() < 0.1
    assert whole[:, 0].max() > 0.9


def test_squares_around_people_show_the_same_joints_as_whole_pictures(person_model: Path) -> None:
    """To within .1 shoulder widths in the median, of people who fill a square picture."""
    model = ActionModel(person_model, device="cpu")
    pictures = _drawn(HANDS_UP, size=192)
    predictions = _live(model, pictures, model.pose_networks)
    apart = []
    for prediction in predictions:
        number = round(prediction.end_seconds * RATE)
        joints = model.encode(pictures[number][np.newaxis]).reshape(17, 3)
        assert prediction.joints is not None
        both = (joints[:, 2] > 0.4) & (prediction.joints[:, 2] > 0.4)
        unit = float(normalised(joints).unit)
        apart += (np.abs(joints - prediction.joints)[both, :2].max(axis=1) / unit).tolist()
    assert len(apart) > 100
    assert np.median(apart) < 0.1


def test_each_person_is_told_logged_drawn_and_clipped(
    here: Here, tmp_path: Path, person_model: Path, two_people: Path
) -> None:
    saved, clips = tmp_path / "saved.avi", tmp_path / "clips"
    log = tmp_path / "log.jsonl"
    code, out, errors = here(
        *("cam", two_people, "-m", person_model, "--headless", "--save", saved),
        *("--output", log, "--clip-events", clips, "--smoothing-seconds", "0.25"),
    )
    assert code == 0, errors
    lines = json_lines(log.read_text(encoding="utf-8"))
    predictions = [line for line in lines if line["type"] == "prediction"]
    middles: dict[int, list[float]] = {}
    for line in predictions:
        top, left, bottom, right = line["box"]
        assert 0 <= top < bottom <= 1
        middles.setdefault(line["person"], []).append((left + right) / 2)
    assert len(middles) == 2
    (on_left,) = (person for person, places in middles.items() if max(places) < 0.5)
    (on_right,) = (person for person, places in middles.items() if min(places) > 0.5)
    events = [line for line in lines if line["type"] == "event"]
    assert {(line["person"], line["label"]) for line in events} == {(on_left, "hands_up")}
    assert {line["phase"] for line in events} == {"start", "end"}
    assert all((line["box"][1] + line["box"][3]) / 2 < 0.5 for line in events)

    assert f"person {on_left}" in errors
    assert f"person {on_right}\n   0.00" in out
    (clip,) = clips.iterdir()
    assert clip.stem.endswith(f"_hands-up_1_person-{on_left}")

    def vivid(path: Path) -> list[float]:
        """Shares of the halves of the last frame that are as vivid as what is drawn."""
        last = [frame.image for frame in read_video(path)][-1].astype(int)
        is_vivid = np.abs(last[..., 0] - last[..., 2]) > 100
        middle = last.shape[1] // 2
        return [float(half.mean()) for half in (is_vivid[:, :middle], is_vivid[:, middle:])]

    for before, after in zip(vivid(two_people), vivid(saved), strict=True):
        assert before + 0.002 < after < before + 0.2


def test_who_counts_is_said_on_the_command_line(
    here: Here, person_model: Path, two_people: Path, tiny_model: Path
) -> None:
    def people(*options: str) -> set[str]:
        code, out, errors = here(
            "cam", two_people, "-m", person_model, "--headless", "-o", "-", *options
        )
        assert code == 0, errors
        boxes = [line["box"] for line in json_lines(out) if line["type"] == "prediction"]
        return {"left" if box[1] + box[3] < 1 else "right" for box in boxes}

    assert people() == {"left", "right"}
    assert people("--region", "0,0,0.5,1") == {"left"}
    assert people("--region", "0.6,0,1,0,1,1,0.6,1") == {"right"}
    assert len(people("--max-persons", "1")) == 1
    assert len(people("--person", "largest")) == 1

    code, _, errors = here("cam", two_people, "-m", tiny_model, "--headless", "--person", "largest")
    assert "--person is for models of people" in assert_one_error(code, errors, 2)
    code, _, errors = here("cam", two_people, "-m", person_model, "--headless", "--region", "door")
    assert "--region: expected left, top" in assert_one_error(code, errors, 2)


def test_cameras_have_regions_of_their_own(
    here: Here, tmp_path: Path, person_model: Path, two_people: Path, tiny_model: Path
) -> None:
    cameras = tmp_path / "cameras.toml"
    cameras.write_text(
        f"""[[camera]]
        name = "left"
        source = '{two_people}'
        region = [0, 0, 0.5, 1]
        """,
        encoding="utf-8",
    )
    asked = ("--sources", cameras, "--headless", "--output", "-")
    code, out, errors = here("cam", "-m", person_model, *asked)
    assert code == 0, errors
    lines = [line for line in json_lines(out) if line["type"] == "prediction"]
    assert lines
    assert all(sum(line["box"][1::2]) < 1 for line in lines)

    code, _, errors = here("cam", "-m", tiny_model, *asked)
    assert "region of 'left' is for models of people" in assert_one_error(code, errors, 2)

    cameras.write_text(cameras.read_text("utf-8").replace("0.5, 1]", "0.5, 7]"), encoding="utf-8")
    code, _, errors = here("cam", "-m", person_model, *asked)
    assert "camera 1 ('left'): region: expected left, top" in assert_one_error(code, errors, 2)


def test_zones_masks_and_labels_of_cameras(
    here: Here, tmp_path: Path, person_model: Path, two_people: Path, tiny_model: Path
) -> None:
    cameras = tmp_path / "cameras.toml"

    def run(keys: str, *options: str, model: Path = person_model) -> tuple[int, str, str]:
        cameras.write_text(
            f"[[camera]]\nname = 'door'\nsource = '{two_people}'\n{keys}\n", encoding="utf-8"
        )
        asked = ("--sources", str(cameras), "--headless", "--output", "-", *options)
        return here("cam", "-m", model, *asked)

    def events(keys: str) -> list[dict[str, Any]]:
        code, out, errors = run(keys, "--output-only", "events")
        assert code == 0, errors
        lines = json_lines(out)
        assert {line["type"] for line in lines} <= {"event"}
        return [line for line in lines if line["phase"] == "start"]

    (event,) = events("")
    assert (event["label"], event["zones"]) == ("hands_up", [])
    (event,) = events("zones.left.corners = [0, 0, 0.5, 1]")
    assert event["zones"] == ["left"]
    assert events("zones.right.corners = [0.5, 0, 1, 1]") == []
    assert events("masks = [[0, 0, 0.5, 1]]") == [], "nobody is seen through a mask"

    code, _, errors = run("zones.left.corners = [0, 0, 0.5, 1]", model=tiny_model)
    assert "zones of 'door' is for models of people" in assert_one_error(code, errors, 2)
    code, _, errors = run("labels = ['fall']")
    assert "labels of 'door': the model has no label 'fall'" in assert_one_error(code, errors, 2)
    code, _, errors = run("", "--output-only", "event")
    assert "--output-only: expected some of events, pred" in assert_one_error(code, errors, 2)
    code, _, errors = run("", "--output-rotate-bytes", "1000")
    assert "--output-rotate-bytes is for a file" in assert_one_error(code, errors, 2)


def test_what_only_serve_can_do(
    here: Here,
    tmp_path: Path,
    person_model: Path,
    two_people: Path,
    tiny_model: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    cameras = tmp_path / "cameras.toml"

    def run(keys: str) -> tuple[int, str, str]:
        cameras.write_text(
            f"[[camera]]\nname = 'door'\nsource = '{two_people}'\n{keys}\n[clips]\n",
            encoding="utf-8",
        )
        return here("cam", "-m", person_model, "--sources", str(cameras), "--headless")

    code, _, errors = run(f"model = '{tiny_model}'")
    error = assert_one_error(code, errors, 2)
    assert "model of 'door': rtaction cam watches all cameras with one model" in error
    assert "rtaction serve" in error
    code, _, errors = run("enabled = false")
    assert "all of its cameras have enabled = false" in assert_one_error(code, errors, 2)
    code, _, errors = run(f"model = '{person_model}'\nschedule = ['mon']\nquiet = ['02:00-03:00']")
    assert code == 0, errors
    (told,) = [one.getMessage() for one in caplog.records if "schedule" in one.getMessage()]
    assert "rtaction cam watches door at any time" in told


def test_arrays_give_a_prediction_for_each_person(person_model: Path) -> None:
    events: list[ActionEvent] = []
    pictures = _drawn(HANDS_UP, HANDS_DOWN)
    predictions = list(
        rtaction.watch(pictures, person_model, frames_per_second=RATE, on_event=events.append)
    )
    assert {one.person for one in predictions} == {1, 2}
    times = [one.end_seconds for one in predictions]
    assert times == sorted(times)
    assert times.count(times[-1]) == times.count(2.0) == 2, "both, once both are found"
    assert {event.person for event in events} == {
        one.person for one in predictions if one.label == "hands_up" and one.score > 0.9
    }


def test_an_empty_video_says_that_nobody_is_seen(
    here: Here, tmp_path: Path, person_model: Path
) -> None:
    for label in PERSON_SPEC.labels:
        folder = tmp_path / "videos" / label
        folder.mkdir(parents=True)
        empty = [np.full((96, 128, 3), 90, np.uint8)] * 16
        _video(folder / "one.avi", empty if label == "hands_down" else _drawn(HANDS_UP))
    report = tmp_path / "report.json"
    code, out, errors = here("eval", person_model, tmp_path / "videos", "--output", report)
    assert code == 0, errors
    assert "nobody who counts is seen in it for 0.4 s" in out
    assert "whoever is largest for longest counts" in out
    videos: list[dict[str, Any]] = json.loads(report.read_text("utf-8"))["videos"]
    assert [(one["label"], one["windows"] > 0) for one in videos] == [
        ("hands_down", False),
        ("hands_up", True),
    ]


def test_a_person_model_is_inspected(here: Here, person_model: Path) -> None:
    code, out, errors = here("inspect", person_model)
    assert code == 0, errors
    assert "for each person who is followed" in out
    assert "contract.modality          pose" in out


def test_poses_that_nobody_would_see_are_said_to_be(
    here: Here, halves_video: Path, tiny_model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    code, _, _ = here("cam", halves_video, "-m", tiny_model, "--headless", "--show-pose")
    assert code == 0
    assert "--show-pose draws nothing" in caplog.text
