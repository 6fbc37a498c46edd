"""Windows of takes have the frames that live video would have, each encoded once and kept."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from rtaction.errors import DatasetError
from rtaction.teach.pace import Pace
from rtaction.teach.take_features import FeatureStore, Float16Array, PictureEncoder
from rtaction.video.span import Span
from tests.videos import index_image, write_video

PACE = Pace(0.2, 5)


class CountingEncoder(PictureEncoder):
    """The features of a picture are the numbers of the frame before it and of its frame."""

    features_shape: tuple[int, ...] = (4, 2)
    identity = "counting"

    def __init__(self) -> None:
        self.num_encoded = 0

    def encode(self, pictures: npt.NDArray[np.uint8]) -> Float16Array:
        self.num_encoded += len(pictures)
        after = pictures[:, 0, 0, 0].astype(np.float16)
        # The differences are 127 plus twice the change.
        before = after - (pictures[:, 0, 0, 3].astype(np.float16) - 127) / 2
        return np.repeat(np.stack([before, after], axis=1)[:, np.newaxis], 4, axis=1)


def _video(path: Path, times_seconds: npt.NDArray[np.float64]) -> Path:
    images = (index_image(number) for number in range(len(times_seconds)))
    return write_video(path, images, times_seconds, codec="ffv1", pixel_format="bgr0")


def test_windows_take_the_nearest_frames_and_overlap(tmp_path: Path) -> None:
    video = _video(tmp_path / "take.mkv", np.arange(31) / 10)
    encoder = CountingEncoder()

    found = FeatureStore(tmp_path / "kept", encoder).of(video, PACE, max_pictures=100)

    frames = found.pictures[:, 0][found.windows]  # (windows, pictures, before and after)
    assert frames[0].tolist() == [[0, 2], [2, 4], [4, 6], [6, 8], [8, 10]]
    assert frames[1].tolist()[0] == [2, 4]
    assert frames[-1].tolist()[-1] == [28, 30]
    assert encoder.num_encoded == 15


def test_what_was_computed_is_kept_until_the_take_changes(tmp_path: Path) -> None:
    video = _video(tmp_path / "take.mkv", np.arange(31) / 10)
    first, second = CountingEncoder(), CountingEncoder()
    one = FeatureStore(tmp_path / "kept", first).of(video, PACE, max_pictures=100)
    two = FeatureStore(tmp_path / "kept", second).of(video, PACE, max_pictures=100)
    longer = FeatureStore(tmp_path / "kept", second).of(video, Pace(0.2, 7), max_pictures=100)

    assert second.num_encoded == 0
    assert np.array_equal(one.pictures, two.pictures)
    assert longer.windows.shape[1] == 7
    os.utime(video, (1, 1))
    FeatureStore(tmp_path / "kept", second).of(video, PACE, max_pictures=100)
    assert second.num_encoded == 15


def test_of_a_long_take_windows_from_all_over_it(tmp_path: Path) -> None:
    video = _video(tmp_path / "take.mkv", np.arange(201) / 10)
    encoder = CountingEncoder()
    store = FeatureStore(tmp_path / "kept", encoder)

    few = store.of(video, PACE, max_pictures=12)
    starts = few.pictures[:, 0, 0][few.windows[:, 0]]
    assert starts.tolist() == [48, 142]
    assert encoder.num_encoded == 10
    more = store.of(video, PACE, max_pictures=1000)
    assert len(more.windows) == 96
    assert encoder.num_encoded == 100  # those of before are not made again


def test_damaged_files_of_features_are_made_anew(tmp_path: Path) -> None:
    video = _video(tmp_path / "take.mkv", np.arange(31) / 10)
    encoder = CountingEncoder()
    store = FeatureStore(tmp_path / "kept", encoder)
    store.of(video, PACE, max_pictures=100)
    for path in (tmp_path / "kept").iterdir():
        path.write_bytes(path.read_bytes()[:100])
    assert len(store.of(video, PACE, max_pictures=100).windows)
    assert encoder.num_encoded == 30


def test_a_take_that_stutters_is_better_than_none(tmp_path: Path) -> None:
    times = np.array([0.0, 0.1, 0.2, 0.55, 0.6, 0.7, 0.8, 0.9, 1.0])
    video = _video(tmp_path / "take.mkv", times)
    found = FeatureStore(tmp_path / "kept", CountingEncoder()).of(video, PACE, max_pictures=100)
    assert len(found.windows) == 1


@pytest.mark.parametrize("times", [np.arange(8) / 10, np.array([0.0, 0.1, 0.2, 3.0])])
def test_short_takes_and_holes_are_told(tmp_path: Path, times: npt.NDArray[np.float64]) -> None:
    video = _video(tmp_path / "take.mkv", times)
    with pytest.raises(DatasetError, match=r"expected 1.00 s without missing frames"):
        FeatureStore(tmp_path / "kept", CountingEncoder()).of(video, PACE, max_pictures=100)


def test_a_take_may_be_a_part_of_a_video(tmp_path: Path) -> None:
    video = _video(tmp_path / "long.mkv", np.arange(80) / 10)
    encoder = CountingEncoder()
    store = FeatureStore(tmp_path / "kept", encoder)

    for _ in range(2):  # the second time from what was kept
        found = store.of(video, PACE, max_pictures=100, span=Span(4.0, 5.2))
        frames = found.pictures[:, 0][found.windows]
        assert frames.tolist()[0] == [[40, 42], [42, 44], [44, 46], [46, 48], [48, 50]]
        assert frames.max() < 52
    assert encoder.num_encoded == 6
    with pytest.raises(DatasetError, match="nothing is shown from 9 to 10 s"):
        store.of(video, PACE, max_pictures=100, span=Span(9.0, 10.0))
