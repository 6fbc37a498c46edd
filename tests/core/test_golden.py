"""The same frames through the generator and through the ring buffer give the same clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rtaction.errors import DatasetError
from rtaction.model_spec import ModelSpec
from rtaction.realtime.windows.ring_buffer import RingBuffer
from rtaction.realtime.windows.tracker import Tracker
from rtaction.train.generators import SlidingFrameGenerator
from rtaction.video.file import read_video
from rtaction.video.pixels import prepare_image
from tests.videos import index_of, write_indexed_video

FRAMES_PER_CLIP = 5
CLIP_SECONDS = 1.0


def _variable_rate_times() -> np.ndarray:
    steps = np.random.default_rng(7).uniform(0.008, 0.09, size=90)
    times: np.ndarray = np.r_[0.0, np.cumsum(steps)]
    return times


TIMES = {
    "10 fps": np.arange(35) / 10,
    "25 fps": np.arange(90) / 25,
    "29.97 fps": np.arange(110) / 29.97,
    "60 fps": np.arange(215) / 60,
    "variable": _variable_rate_times(),
    "with a hole": np.r_[np.arange(45) / 25, 2.4 + np.arange(60) / 25],
    "with a silence": np.r_[np.arange(45) / 25, 4.0 + np.arange(60) / 25],
}


def _clips_of_generator(
    video: Path, stride_seconds: float, modality: str = "rgb"
) -> list[np.ndarray]:
    generator = SlidingFrameGenerator(
        str(video.parents[1] / "{classname}" / "*.mkv"),
        frames_per_clip=FRAMES_PER_CLIP,
        clip_seconds=CLIP_SECONDS,
        stride_seconds=stride_seconds,
        size_hw=(8, 8),
        modality=modality,
        shuffle=False,
        batch_size=1,
    )
    batches = [generator[i] for i in range(len(generator))]
    a = generator.labels.index("a")
    return [images[0] for images, one_hot in batches if one_hot[0, a] == 1.0]


def _clips_of_ring_buffer(video: Path, stride_seconds: float) -> list[np.ndarray]:
    ring: RingBuffer[np.ndarray] = RingBuffer(
        frames_per_clip=FRAMES_PER_CLIP, clip_seconds=CLIP_SECONDS, stride_seconds=stride_seconds
    )
    windows = []
    for frame in read_video(video):
        ring.push(prepare_image(frame.image, (8, 8)), frame.captured_at_seconds)
        while ring.num_due:
            windows.append(ring.take())
    while (last := ring.take_last()) is not None:
        windows.append(last)
    return [np.stack(window.values) for window in windows if window.state == "ok"]


def _clips_of_tracker(video: Path, stride_seconds: float, modality: str) -> list[np.ndarray]:
    spec = ModelSpec(("a", "b"), FRAMES_PER_CLIP, CLIP_SECONDS, 8, 8, modality=modality)
    tracker = Tracker(spec, stride_seconds=stride_seconds)
    windows = []
    for frame in read_video(video):
        tracker.push(frame)
        while (window := tracker.take()) is not None:
            windows.append(window)
    while (window := tracker.take_last()) is not None:
        windows.append(window)
    return [np.stack([picture.image for picture in window.values]) for window in windows]


@pytest.mark.parametrize("modality", ["rgb", "diff", "rgb_diff+flow", "flow_mask"])
@pytest.mark.parametrize("name", ["10 fps", "29.97 fps", "variable", "with a hole"])
def test_training_and_live_see_the_same_motion(tmp_path: Path, name: str, modality: str) -> None:
    video = write_indexed_video(tmp_path / "videos" / "a" / "one.mkv", TIMES[name])
    write_indexed_video(tmp_path / "videos" / "b" / "two.mkv", TIMES["25 fps"])
    trained = np.stack(_clips_of_generator(video, 0.2, modality))
    assert len(trained) >= 2
    assert np.array_equal(trained, np.stack(_clips_of_tracker(video, 0.2, modality)))


@pytest.mark.parametrize("stride_seconds", [0.25, 0.1, 0.7, 1.5])
@pytest.mark.parametrize("name", TIMES)
def test_generator_and_ring_buffer_give_the_same_clips(
    tmp_path: Path, name: str, stride_seconds: float
) -> None:
    video = write_indexed_video(tmp_path / "videos" / "a" / "one.mkv", TIMES[name])
    write_indexed_video(tmp_path / "videos" / "b" / "two.mkv", TIMES["25 fps"])
    trained = _clips_of_generator(video, stride_seconds)
    live = _clips_of_ring_buffer(video, stride_seconds)
    shown = [[index_of(image) for image in clip] for clip in trained]
    assert shown == [[index_of(image) for image in clip] for clip in live]
    assert np.array_equal(np.stack(trained), np.stack(live))
    # They slide: each window shows something else, and later, than the one before.
    assert shown == sorted(shown)
    assert len({tuple(indices) for indices in shown}) == len(shown) >= 2


def test_a_rate_too_low_for_the_clip_gives_no_clips_in_either(
    tmp_path: Path,
) -> None:
    video = write_indexed_video(tmp_path / "videos" / "a" / "one.mkv", np.arange(6) / 2)
    write_indexed_video(tmp_path / "videos" / "b" / "two.mkv", TIMES["25 fps"])
    assert _clips_of_ring_buffer(video, 0.25) == []
    with pytest.raises(DatasetError, match="can be used"):
        _clips_of_generator(video, 0.25)
