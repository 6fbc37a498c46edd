"""`rtaction cam --save-uncertain`, run for real: what is unsure, and what a person calls wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import numpy.typing as npt
import pytest

from rtaction.realtime.cam import run_cam
from rtaction.realtime.cam_config import CamConfig
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.outputs.screen import Screen
from tests.conftest import Here
from tests.realtime.conftest import assert_one_error, frame_times
from tests.videos import write_flat_video


class _Keys:
    """A screen on which keys are pressed at given frames."""

    def __init__(self, keys: dict[int, str]) -> None:
        self._keys = keys
        self._num_shown = 0

    def show(self, image: npt.NDArray[Any]) -> None:
        self._num_shown += 1

    def key(self) -> str:
        return self._keys.pop(self._num_shown, "")

    def wants_to_quit(self, key: str) -> bool:
        return key == "q"


def test_an_unsure_moment_is_saved(here: Here, tmp_path: Path, tiny_model: Path) -> None:
    """Half bright is as much "bright" as "dark"."""
    gray = write_flat_video(tmp_path / "gray.mp4", value=128, seconds=4.0)
    white = write_flat_video(tmp_path / "white.mp4", value=230, seconds=4.0)
    folder = tmp_path / "corrections"
    code, _, errors = here(
        "cam", gray, white, "-m", tiny_model, "--headless", "--save-uncertain", folder
    )
    assert code == 0, errors
    clip, told = sorted((folder / "unlabelled").iterdir(), key=lambda path: path.suffix != ".mkv")
    assert clip.stem == told.stem
    assert "gray-mp4_unsure_1" in clip.stem
    record = json.loads(told.read_text())
    start_seconds, end_seconds = record["window_start_seconds"], record["window_end_seconds"]
    assert start_seconds == 0.0
    assert end_seconds == pytest.approx(1.3, abs=0.26)  # a window, and 0.3 s at its stride
    times = frame_times(clip)
    # 0.2 s after it, and as much again, as there is nothing before it.
    assert times[-1] == pytest.approx(end_seconds + 0.4, abs=0.05)
    assert {one["label"] for one in record["top"]} == {"bright", "dark"}
    assert all(one["score"] == pytest.approx(0.5, abs=0.02) for one in record["top"])
    assert (record["why"], record["source"]) == ("unsure", str(gray))
    assert (record["person"], record["box"], record["model"]) == (None, None, "tiny.onnx")


def test_the_key_w_keeps_the_last_window(tmp_path: Path, tiny_model: Path) -> None:
    white = write_flat_video(tmp_path / "white.mp4", value=230, seconds=2.5)
    config = CamConfig(sources=(str(white),), save_uncertain=tmp_path / "corrections")
    screen = cast("Screen", _Keys({50: "w"}))
    run_cam(ActionModel(tiny_model), config, screen=screen)
    (told,) = (tmp_path / "corrections" / "unlabelled").glob("*.json")
    record = json.loads(told.read_text())
    assert record["why"] == "wrong"
    assert record["top"][0]["label"] == "bright"
    length_seconds = record["window_end_seconds"] - record["window_start_seconds"]
    assert length_seconds == pytest.approx(1.0, abs=0.05)
    assert frame_times(told.with_suffix(".mkv"))[-1] == pytest.approx(1.4, abs=0.1)


def test_the_key_w_without_a_folder_says_so(
    tmp_path: Path, tiny_model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    white = write_flat_video(tmp_path / "white.mp4", value=230, seconds=1.5)
    screen = cast("Screen", _Keys({10: "w"}))
    run_cam(ActionModel(tiny_model), CamConfig(sources=(str(white),)), screen=screen)
    assert "the key w needs --save-uncertain" in caplog.text


def test_a_folder_that_cannot_be_written(here: Here, tiny_model: Path, halves_video: Path) -> None:
    code, _, errors = here(
        *("cam", halves_video, "-m", tiny_model, "--headless"),
        *("--save-uncertain", tiny_model),
    )
    assert "cannot write uncertain clips" in assert_one_error(code, errors, 11)
