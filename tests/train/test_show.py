"""What training would be shown, as a picture on a disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rtaction.errors import OutputError
from rtaction.opencv import cv2
from rtaction.train.report.filmstrip import Strip, draw_filmstrip
from rtaction.train.settings.config import TrainConfig
from rtaction.train.show import show_clips
from tests.videos import write_flat_video


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    for label, value in (("dark", 30), ("bright", 220)):
        for name in ("a", "b"):
            path = tmp_path / "videos" / label / f"{name}.mp4"
            write_flat_video(path, value=value, seconds=2.0)
    return tmp_path / "videos"


def config(videos: Path, **values: object) -> TrainConfig:
    small = {"height": 32, "width": 40, "frames_per_clip": 3, "cache_gb": 0.0}
    return TrainConfig(videos=str(videos), **small | values)  # type: ignore[arg-type]


def rows_of(path: Path) -> list[float]:
    """Mean brightness of each strip, from the top; the paper between them is white."""
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    assert image is not None
    column = image[:, image.shape[1] // 4].astype(float)
    inside = np.flatnonzero(column < 250)
    strips = np.split(inside, np.flatnonzero(np.diff(inside) > 1) + 1)
    return [float(column[strip].mean()) for strip in strips if len(strip) > 20]


def test_labels_take_turns(videos: Path, tmp_path: Path) -> None:
    path = tmp_path / "new" / "clips.png"

    num_clips = show_clips(config(videos, augment="none"), path, num_clips=4)

    assert num_clips == 4 * 3
    # Labels are sorted: bright, dark, bright, dark.
    assert rows_of(path) == pytest.approx([220, 30, 220, 30], abs=6)


def test_each_clip_stands_there_changed_as_well(videos: Path, tmp_path: Path) -> None:
    path = tmp_path / "clips.png"

    show_clips(config(videos, augment="strong", seed=3), path, num_clips=2)

    brightness = rows_of(path)
    assert len(brightness) == 4
    assert brightness[0] == pytest.approx(220, abs=6)
    assert brightness[2] == pytest.approx(30, abs=6)
    assert abs(brightness[1] - brightness[0]) > 6 or abs(brightness[3] - brightness[2]) > 6


def test_no_more_clips_than_there_are(videos: Path, tmp_path: Path) -> None:
    path = tmp_path / "clips.png"

    assert show_clips(config(videos, augment="none", sampling="spread"), path, num_clips=99) == 4
    assert len(rows_of(path)) == 4


@pytest.mark.parametrize("channels", [1, 3])
def test_a_filmstrip_of_gray_and_of_colour(tmp_path: Path, channels: int) -> None:
    clip = np.full((2, 16, 16, channels), 100, np.uint8)

    draw_filmstrip(tmp_path / "strip.png", [Strip(clip, "wave")])

    assert rows_of(tmp_path / "strip.png") == pytest.approx([100], abs=2)


def test_a_picture_that_cannot_be_written(tmp_path: Path) -> None:
    clip = np.zeros((2, 16, 16, 3), np.uint8)

    (tmp_path / "file").touch()
    for path in (tmp_path / "strip.mp3", tmp_path / "file" / "strip.png"):
        with pytest.raises(OutputError, match="cannot write"):
            draw_filmstrip(path, [Strip(clip, "wave")])
