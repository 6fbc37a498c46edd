from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtaction.errors import DatasetError
from rtaction.train import keras_video
from rtaction.train.data import frame_cache
from rtaction.train.data.augment import Augmentation
from rtaction.train.data.frame_cache import FrameCache
from rtaction.train.generators import SlidingFrameGenerator, VideoFrameGenerator
from tests.train.small_training import write_squares
from tests.videos import index_of, write_indexed_video


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_cache, "default_folder", lambda: tmp_path / "cache")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten videos of each of two labels, of three seconds at 10 frames a second."""
    for label in ("clap", "wave"):
        for take in range(10):
            path = tmp_path / "videos" / label / f"p{take // 2}_{take}.mkv"
            write_indexed_video(path, np.arange(31) / 10)
    return tmp_path / "videos"


def test_batches_are_uint8_clips_and_one_hot_labels(folder: Path) -> None:
    generator = SlidingFrameGenerator(folder, batch_size=6, size_hw=(16, 24), frames_per_clip=5)
    images, one_hot = generator[0]
    assert images.shape == (6, 5, 16, 24, 3)
    assert images.dtype == np.uint8
    assert one_hot.dtype == np.float32
    assert one_hot.shape == (6, 2)
    assert one_hot.sum(axis=1).tolist() == [1] * 6
    assert generator.labels == ("clap", "wave")


def test_sliding_windows_truly_slide(folder: Path) -> None:
    generator = SlidingFrameGenerator(
        folder,
        clip_seconds=1.0,
        stride_seconds=0.5,
        frames_per_clip=3,
        size_hw=(8, 8),
        shuffle=False,
        batch_size=5,
    )
    images, _ = generator[0]
    shown = [[index_of(image) for image in clip] for clip in images]
    assert shown == [[0, 5, 10], [5, 10, 15], [10, 15, 20], [15, 20, 25], [20, 25, 30]]
    assert len(generator) == 20


def test_spread_takes_one_clip_of_each_video(folder: Path) -> None:
    generator = VideoFrameGenerator(
        folder, frames_per_clip=4, size_hw=(8, 8), shuffle=False, batch_size=20
    )
    images, _ = generator[0]
    assert {tuple(index_of(image) for image in clip) for clip in images} == {(0, 10, 20, 30)}
    assert len(images) == 20
    assert generator.spec.clip_seconds == pytest.approx(3.0)


def test_segments_are_drawn_in_training_and_have_their_middles_in_judging(folder: Path) -> None:
    generator = VideoFrameGenerator(
        folder,
        frames_per_clip=3,
        size_hw=(8, 8),
        batch_size=20,
        sampling="segments",
        group=r"(p\d)_",
        validation_fraction=0.2,
    )
    drawn: list[set[int]] = [set(), set(), set()]
    for _ in range(4):
        for clip in generator[0][0]:
            for numbers, image in zip(drawn, clip, strict=True):
                numbers.add(index_of(image))
        generator.on_epoch_end()
    # Segments of a second: 0 to 10, 10 to 20, 20 to 30; together, all of the video.
    assert all(numbers <= set(range(10 * k, 10 * k + 11)) for k, numbers in enumerate(drawn))
    assert all(len(numbers) >= 9 for numbers in drawn)
    validation = generator.validation()
    assert validation is not None
    shown = {tuple(index_of(image) for image in clip) for clip in validation[0][0]}
    assert shown == {(5, 15, 25)}
    assert generator.spec.clip_seconds == pytest.approx(2.0)


def test_stacks_of_a_segment_move_as_one(folder: Path) -> None:
    generator = VideoFrameGenerator(
        folder,
        frames_per_clip=2,
        size_hw=(8, 8),
        modality="rgb+flow_stack",
        batch_size=20,
        sampling="segments",
    )
    clips, places = generator.clips, set()
    images, _ = generator[0]
    assert images.shape == (20, 2, 8, 8, 3 + 10)
    for seed in range(8):
        random = np.random.default_rng(seed)
        moments = clips.changed_moments(0, Augmentation.nothing(), random).reshape(2, 6)
        np.testing.assert_allclose(np.diff(moments, axis=1), 0.08)
        assert 0 <= moments[0, 0] <= moments[0, -1] <= 1.5 <= moments[1, 0] <= moments[1, -1] <= 3
        places.add(round(float(moments[0, 0]), 3))
        shown = clips.changed_images(0, Augmentation.nothing(), np.random.default_rng(seed))
        expected = np.abs(np.arange(31)[:, None] / 10 - moments.ravel()).argmin(axis=0)
        assert [index_of(image) for image in shown] == expected.tolist()
    assert len(places) == 8


def test_gray_has_one_channel(folder: Path) -> None:
    images, _ = VideoFrameGenerator(folder, modality="gray", size_hw=(8, 8))[0]
    assert images.shape[-1] == 1


def test_an_epoch_holds_every_clip_once_and_the_next_has_another_order(folder: Path) -> None:
    generator = SlidingFrameGenerator(folder, size_hw=(8, 8), batch_size=7, seed=5)

    def epoch() -> list[tuple[int, ...]]:
        batches = [generator[i] for i in range(len(generator))]
        return [
            (int(label.argmax()), *(index_of(image) for image in clip))
            for images, labels in batches
            for clip, label in zip(images, labels, strict=True)
        ]

    first = epoch()
    generator.on_epoch_end()
    second = epoch()
    assert sorted(first) == sorted(second)
    assert first != second
    again = SlidingFrameGenerator(folder, size_hw=(8, 8), batch_size=7, seed=5)
    assert np.array_equal(
        again[0][0], SlidingFrameGenerator(folder, size_hw=(8, 8), batch_size=7, seed=5)[0][0]
    )


@pytest.mark.parametrize("kind", [SlidingFrameGenerator, VideoFrameGenerator])
def test_no_group_is_trained_and_validated_on(
    folder: Path, kind: type[SlidingFrameGenerator | VideoFrameGenerator]
) -> None:
    train = kind(
        folder, size_hw=(8, 8), group=r"(p\d)_", validation_fraction=0.2, test_fraction=0.2
    )
    validation, test = train.validation(), train.test()
    assert validation is not None
    assert test is not None
    groups = [{v.group for v in side.clips.videos} for side in (train, validation, test)]
    assert [len(one) for one in groups] == [3, 1, 1]
    assert set.union(*groups) == {"p0", "p1", "p2", "p3", "p4"}
    assert validation.labels == train.labels
    assert not validation.shuffle


def test_without_fractions_there_is_nothing_to_validate_on(folder: Path) -> None:
    generator = VideoFrameGenerator(folder, size_hw=(8, 8))
    assert generator.validation() is None
    assert generator.test() is None


def test_a_batch_that_is_not_there_is_told(folder: Path) -> None:
    generator = VideoFrameGenerator(folder, size_hw=(8, 8), batch_size=20)
    with pytest.raises(IndexError, match="from 0 to 0"):
        generator[1]


@pytest.mark.parametrize("kind", [SlidingFrameGenerator, VideoFrameGenerator])
def test_all_sides_keep_their_videos_in_the_given_cache(
    folder: Path, tmp_path: Path, kind: type[SlidingFrameGenerator | VideoFrameGenerator]
) -> None:
    cache = FrameCache(tmp_path / "mine")
    train = kind(
        folder, size_hw=(8, 8), validation_fraction=0.2, test_fraction=0.2, cache=cache, workers=2
    )
    assert len(list(cache.folder.iterdir())) == len(train.clips.videos) == 12
    assert train.validation() is not None
    assert train.test() is not None
    assert len(list(cache.folder.iterdir())) == 20
    assert not (tmp_path / "cache").exists()


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no video matches"):
        SlidingFrameGenerator(tmp_path)


def test_clips_are_changed_anew_in_each_epoch_and_always_alike(folder: Path) -> None:
    def epochs() -> list[np.ndarray]:
        train = SlidingFrameGenerator(
            folder,
            size_hw=(8, 8),
            batch_size=99,
            shuffle=False,
            seed=5,
            augmentation=Augmentation(brightness=0.3),
        )
        first = train[0][0]
        train.on_epoch_end()
        return [first, train[0][0]]

    first, second = epochs()
    plain = SlidingFrameGenerator(folder, size_hw=(8, 8), batch_size=99, shuffle=False)[0][0]

    assert first.shape == second.shape == plain.shape
    assert not np.array_equal(first, plain)
    assert not np.array_equal(first, second)
    assert all(np.array_equal(a, b) for a, b in zip([first, second], epochs(), strict=True))


def test_what_is_validated_on_is_not_changed(folder: Path) -> None:
    options: dict[str, Any] = {"size_hw": (8, 8), "batch_size": 99, "validation_fraction": 0.2}
    changed = SlidingFrameGenerator(folder, augmentation=Augmentation(), **options).validation()
    plain = SlidingFrameGenerator(folder, **options).validation()

    assert changed is not None
    assert plain is not None
    assert np.array_equal(changed[0][0], plain[0][0])


def test_a_generator_prints_what_it_holds(tmp_path: Path) -> None:
    folder = write_squares(tmp_path / "videos", {"down": 4, "right": 2})
    train = SlidingFrameGenerator(
        folder,
        clip_seconds=0.6,
        frames_per_clip=3,
        size_hw=(16, 24),
        modality="rgb+flow",
        batch_size=5,
        validation_fraction=0.34,
        cache=FrameCache(tmp_path / "cache"),
    )
    num_clips = len(train.clips)
    by_label = np.bincount(train.clips.clip_labels)
    assert str(train).splitlines() == [
        f"SlidingFrameGenerator (train): {num_clips} clips of 4 videos, in {len(train)} batches of "
        "up to 5",
        "clips of shape (3, 16, 24, 5) uint8, rgb+flow",
        "label  videos   clips",
        f"down        3  {by_label[0]:6}",
        f"right       1  {by_label[1]:6}",
        "set aside: 2 videos for validation()",
    ]
    validation = train.validation()
    assert repr(validation).startswith("ClipDataset (validation): ")
    assert repr(validation).splitlines()[-2].split()[:2] == ["down", "1"]


def test_an_old_generator_prints_what_it_holds(tmp_path: Path) -> None:
    folder = write_squares(tmp_path / "videos", {"down": 3, "right": 2})
    old = keras_video.VideoFrameGenerator(
        glob_pattern=f"{folder}/{{classname}}/*.mp4", target_shape=(16, 24), nb_frames=3
    )
    lines = [
        "VideoFrameGenerator: 5 videos",
        "clips of shape (3, 16, 24, 3) float32, in batches of up to 16",
        "label  videos",
        "down        3",
        "right       2",
    ]
    assert str(old).splitlines() == lines
    assert len(old) == 1
    assert str(old).splitlines()[0] == "VideoFrameGenerator: 5 clips of 5 videos"
    assert str(old).splitlines()[-1] == "right       2       2"
