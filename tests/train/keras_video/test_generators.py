from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtaction.errors import UsageError
from rtaction.keras_tensorflow import keras, tensorflow
from rtaction.train.data import frame_cache
from rtaction.train.keras_video import (
    METHOD_ABS_DIFF,
    METHOD_DIFF_MASK,
    METHOD_FLOW_MASK,
    METHOD_OPTICAL_FLOW,
    OpticalFlowGenerator,
    SlidingFrameGenerator,
    VideoFrameGenerator,
    utils,
)
from tests.videos import write_indexed_video, write_video

ImageDataGenerator = tensorflow.keras.preprocessing.image.ImageDataGenerator


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_cache, "default_folder", lambda: tmp_path / "cache")


@pytest.fixture
def pattern(tmp_path: Path) -> str:
    """Ten videos of each of two classes: 60 frames, 30 a second, that show their number."""
    for label in ("golf", "dribble"):
        for take in range(10):
            write_indexed_video(tmp_path / "v" / label / f"{take}.mkv", np.arange(60) / 30)
    return str(tmp_path / "v" / "{classname}" / "*.mkv")


@pytest.fixture
def squares(tmp_path: Path) -> str:
    """Of a bright square, one video to the right and one downwards, 4 pixels a picture."""
    for label, step in (("right", (0, 4)), ("down", (4, 0))):
        ground = np.random.default_rng(1).integers(0, 60, (64, 64, 1))
        images = np.broadcast_to(ground, (6, 64, 64, 3)).astype(np.uint8)
        for number, image in enumerate(images):
            top, left = 16 + number * step[0], 16 + number * step[1]
            texture = np.random.default_rng(0).integers(120, 255, (16, 16, 1))
            image[top : top + 16, left : left + 16] = texture
        write_video(
            tmp_path / "s" / label / "0.mkv",
            images,
            np.arange(6) / 10,
            codec="ffv1",
            pixel_format="bgr0",
        )
    return str(tmp_path / "s" / "{classname}" / "*.mkv")


def corner_of(picture: np.ndarray) -> float:
    """Where the bright square begins, rows and columns in one number."""
    rows, columns = np.nonzero(picture[..., 0] > 0.35)
    return float(rows.min() * 64 + columns.min())


def numbers(clips: np.ndarray, rescale: float = 1.0) -> list[list[int]]:
    """Which frames the clips show."""
    shown: list[list[int]] = np.rint(clips[:, :, 0, 0, 0] / rescale).astype(int).tolist()
    return shown


def test_batches_attributes_and_next_are_as_they_were(pattern: str) -> None:
    generator = VideoFrameGenerator(
        classes=["golf", "dribble"],
        glob_pattern=pattern,
        nb_frames=4,
        batch_size=8,
        target_shape=(8, 12),
    )
    assert generator.classes == ["dribble", "golf"]
    assert (generator.classes_count, generator.files_count) == (2, 20)
    assert len(generator.files) == 20
    clips, labels = generator.next()
    assert clips.shape == (8, 4, 8, 12, 3)
    assert clips.dtype == np.float32
    assert numbers(clips, 1 / 255) == [[0, 20, 39, 59]] * 8
    assert labels.shape == (8, 2)
    assert labels.sum(axis=1).tolist() == [1] * 8
    assert [len(generator.next()[0]) for _ in range(3)] == [8, 4, 8]  # the third begins anew


def test_one_hot_columns_are_the_sorted_classes(pattern: str) -> None:
    generator = VideoFrameGenerator(glob_pattern=pattern, target_shape=(8, 8), shuffle=False)
    labels = np.concatenate([generator[0][1], generator[1][1]])
    folders = [Path(file).parent.name for file in generator.files]
    assert [generator.classes[one] for one in labels.argmax(axis=1)] == folders


def test_one_channel_is_gray(pattern: str) -> None:
    generator = VideoFrameGenerator(glob_pattern=pattern, nb_channel=1, target_shape=(8, 8))
    assert generator[0][0].shape == (16, 5, 8, 8, 1)


def test_splits_are_apart_and_even(pattern: str) -> None:
    train = VideoFrameGenerator(
        glob_pattern=pattern, split_val=0.2, split_test=0.3, target_shape=(8, 8), batch_size=4
    )
    sides = [train, train.get_validation_generator(), train.get_test_generator()]
    assert [one.files_count for one in sides] == [10, 4, 6]
    assert len({file for one in sides for file in one.files}) == 20
    for one in sides:
        assert len(set(Counter(Path(file).parent.name for file in one.files).values())) == 1
        assert one.classes == train.classes
        assert sum(len(one[i][0]) for i in range(len(one))) == one.files_count


def test_numpys_seed_decides_as_it_did(pattern: str) -> None:
    def chosen(seed: int) -> list[str]:
        np.random.seed(seed)
        return sorted(VideoFrameGenerator(glob_pattern=pattern, split_val=0.3).validation)

    assert chosen(1) == chosen(1)
    assert len({tuple(chosen(seed)) for seed in range(4)}) > 1


def test_the_old_split_still_works(pattern: str, caplog: pytest.LogCaptureFixture) -> None:
    train = VideoFrameGenerator(glob_pattern=pattern, split=0.2)
    assert train.get_validation_generator().files_count == 4
    assert "split_val" in caplog.text


def test_a_side_that_was_not_asked_for_is_told(pattern: str) -> None:
    with pytest.raises(UsageError, match=r"use split_test"):
        VideoFrameGenerator(glob_pattern=pattern, split_val=0.2).get_test_generator()


@pytest.mark.parametrize(
    "wrong", [{"nb_channel": 2}, {"split_val": 1.0}, {"split_test": 0}, {"target_shape": (8,)}]
)
def test_what_cannot_be_meant_is_refused(pattern: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        VideoFrameGenerator(glob_pattern=pattern, **wrong)


def test_files_may_be_removed(pattern: str) -> None:
    generator = VideoFrameGenerator(glob_pattern=pattern, batch_size=5, target_shape=(8, 8))
    assert len(generator) == 4
    generator.files = generator.files[:5]
    assert len(generator) == 1


def test_each_epoch_has_another_order(pattern: str) -> None:
    generator = SlidingFrameGenerator(
        glob_pattern=pattern, sequence_time=1, stride_time=0.2, target_shape=(8, 8), batch_size=500
    )
    first = numbers(generator[0][0], 1 / 255)
    generator.on_epoch_end()
    second = numbers(generator[0][0], 1 / 255)
    assert first != second
    assert sorted(first) == sorted(second)


def test_windows_slide_frame_by_frame(pattern: str) -> None:
    generator = SlidingFrameGenerator(
        rescale=1,
        glob_pattern=pattern,
        nb_frames=6,
        sequence_time=1,
        shuffle=False,
        target_shape=(8, 8),
    )
    shown = numbers(generator[0][0])
    assert shown[:3] == [[0, 5, 10, 15, 20, 25], [1, 6, 11, 16, 21, 26], [2, 7, 12, 17, 22, 27]]


def test_without_a_time_windows_span_the_whole_video(pattern: str) -> None:
    generator = SlidingFrameGenerator(
        rescale=1, glob_pattern=pattern, nb_frames=6, shuffle=False, target_shape=(8, 8)
    )
    shown = numbers(generator[0][0])
    assert shown[0] == [0, 10, 20, 30, 40, 50]
    assert shown[9] == [9, 19, 29, 39, 49, 59]


def test_the_validation_slides_alike(pattern: str) -> None:
    train = SlidingFrameGenerator(
        glob_pattern=pattern, sequence_time=0.5, stride_time=0.1, split_val=0.2, target_shape=(8, 8)
    )
    validation = train.get_validation_generator()
    assert isinstance(validation, SlidingFrameGenerator)
    clips = [sum(len(one[i][0]) for i in range(len(one))) for one in (train, validation)]
    assert clips[0] == 4 * clips[1]


def test_a_broken_video_is_left_out(pattern: str, caplog: pytest.LogCaptureFixture) -> None:
    Path(pattern.format(classname="golf").replace("*", "broken")).write_bytes(b"nothing")
    options: dict[str, Any] = {"glob_pattern": pattern, "batch_size": 1, "target_shape": (8, 8)}
    whole = VideoFrameGenerator(**options)
    sliding = SlidingFrameGenerator(sequence_time=2, stride_time=2, **options)
    for generator in (whole, sliding):
        assert generator.files_count == 21
        assert len(generator) == 20
    assert "broken.mkv" in caplog.text


def test_the_frame_cache_gives_the_same(pattern: str) -> None:
    options: dict[str, Any] = {"glob_pattern": pattern, "shuffle": False, "target_shape": (8, 8)}
    generator = VideoFrameGenerator(use_frame_cache=True, **options)
    first = generator[0][0]
    np.testing.assert_array_equal(generator[0][0], first)
    np.testing.assert_array_equal(VideoFrameGenerator(**options)[0][0], first)


def test_the_old_augmentation_moves_all_pictures_of_a_clip_alike(squares: str) -> None:
    options: dict[str, Any] = {
        "glob_pattern": squares,
        "nb_frames": 6,
        "target_shape": (64, 64),
        "shuffle": False,
    }
    plain = VideoFrameGenerator(**options)[0][0]
    np.random.seed(3)
    generator = VideoFrameGenerator(
        transformation=ImageDataGenerator(width_shift_range=0.15, fill_mode="nearest"),
        **options,
    )
    moved: list[float] = []
    for clip, before in zip(generator[0][0], plain, strict=True):
        distances = {
            corner_of(one) - corner_of(other) for one, other in zip(clip, before, strict=True)
        }
        assert len(distances) == 1
        moved += distances
    assert len({0, *moved}) == 3  # each clip by its own distance


def test_the_old_augmentation_is_drawn_anew_in_each_epoch(squares: str) -> None:
    generator = VideoFrameGenerator(
        transformation=ImageDataGenerator(rotation_range=40),
        glob_pattern=squares,
        target_shape=(64, 64),
        shuffle=False,
    )
    first = generator[0][0]
    np.testing.assert_array_equal(generator[0][0], first)
    generator.on_epoch_end()
    assert np.abs(generator[0][0] - first).max() > 0.1


def test_a_keras_layer_flips_whole_clips(squares: str) -> None:
    options: dict[str, Any] = {"glob_pattern": squares, "target_shape": (64, 64), "shuffle": False}
    plain = VideoFrameGenerator(**options)[0][0]
    layer = keras.layers.RandomFlip("horizontal", seed=1)
    generator = VideoFrameGenerator(transformation=layer, **options)
    seen = set()
    for _ in range(12):
        for clip, before in zip(generator[0][0], plain, strict=True):
            flipped = bool(np.array_equal(clip, before[:, :, ::-1]))
            assert flipped or np.array_equal(clip, before)
            seen.add(flipped)
    assert seen == {True, False}


def test_any_function_of_a_clip_will_do(squares: str) -> None:
    options: dict[str, Any] = {"glob_pattern": squares, "target_shape": (64, 64), "shuffle": False}
    plain = VideoFrameGenerator(rescale=1, **options)[0][0]
    negative = VideoFrameGenerator(rescale=1, transformation=lambda clip: 255 - clip, **options)
    np.testing.assert_array_equal(negative[0][0], 255 - plain)
    wrong = VideoFrameGenerator(transformation=lambda clip: clip[:2], **options)
    with pytest.raises(UsageError, match="must keep a clip's shape"):
        wrong[0]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    "method", [METHOD_OPTICAL_FLOW, METHOD_FLOW_MASK, METHOD_DIFF_MASK, METHOD_ABS_DIFF]
)
def test_motion_is_bright_where_something_moves(squares: str, method: int, channels: int) -> None:
    generator = OpticalFlowGenerator(
        method=method,
        nb_channel=channels,
        nb_frames=5,
        glob_pattern=squares,
        target_shape=(64, 64),
        shuffle=False,
    )
    clips, _ = generator[0]
    assert clips.shape == (2, 5, 64, 64, channels)
    right = clips[generator.files.index(next(f for f in generator.files if "right" in f))]
    inside, below = right[:, 16:32, 20:44], right[:, 48:]
    assert inside.max() > 0.4
    assert inside.mean() > 3 * below.mean()


def test_the_colour_of_flow_is_its_direction(squares: str) -> None:
    generator = OpticalFlowGenerator(
        glob_pattern=squares, target_shape=(64, 64), nb_channel=3, shuffle=False, rescale=1
    )
    clips, labels = generator[0]
    middle = {}
    for clip, label in zip(clips, labels, strict=True):
        name = generator.classes[int(label.argmax())]
        step = 2 * 4
        top, left = (16, 16 + step) if name == "right" else (16 + step, 16)
        middle[name] = clip[2, top + 6 : top + 10, left + 6 : left + 10].mean(axis=(0, 1))
    # Hue 0 degrees is red, 90 degrees a green with half of red.
    assert middle["right"].argmax() == 0
    assert middle["right"][1:].max() < 0.3 * middle["right"][0]
    assert middle["down"].argmax() == 1
    assert middle["down"][2] < 0.3 * middle["down"][1]
    # 4 of 64 pixels are half of what is shown in full.
    assert middle["right"][0] == pytest.approx(127, abs=30)


def test_what_farneback_took_is_ignored_with_a_warning(
    squares: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        OpticalFlowGenerator(glob_pattern=squares)
        assert caplog.text == ""
        OpticalFlowGenerator(glob_pattern=squares, winsize=9)
    assert caplog.text.count("ignored") == 1


@pytest.mark.slow
def test_a_model_learns_from_them(squares: str) -> None:
    keras.utils.set_random_seed(0)
    train = OpticalFlowGenerator(
        glob_pattern=squares, target_shape=(32, 32), batch_size=2, nb_frames=3
    )
    model = keras.Sequential(
        [
            keras.Input((3, 32, 32, 3)),
            keras.layers.TimeDistributed(keras.layers.GlobalAveragePooling2D()),
            keras.layers.Rescaling(20.0),
            keras.layers.GRU(8),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.03), "categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(train, epochs=40, verbose=0)
    assert history.history["accuracy"][-1] == 1.0


class _Reading(VideoFrameGenerator):
    """Frames of one value, the number of the take; none of takes 7."""

    # Of three arguments, as in older versions of the package.
    def _get_frames(  # type: ignore[override]
        self, video: str, nbframe: int, shape: tuple[int, int]
    ) -> Any:
        take = int(Path(video).stem)
        return None if take == 7 else np.full((nbframe, *shape, 3), take / 10)


def test_frames_that_a_subclass_reads_are_used(
    pattern: str, caplog: pytest.LogCaptureFixture
) -> None:
    for path in Path(pattern).parents[1].rglob("*.mkv"):
        path.write_bytes(b"of a kind that only the subclass knows")
    generator = _Reading(
        glob_pattern=pattern,
        target_shape=(8, 12),
        nb_frames=3,
        shuffle=False,
        transformation=lambda clip: clip + 1,
    )
    clips, labels = next(generator)
    assert clips.shape == (15, 3, 8, 12, 3)
    takes = [int(Path(file).stem) for file in generator.files[:16]]
    np.testing.assert_allclose(clips[:, 0, 0, 0, 0], [1 + t / 10 for t in takes if t != 7])
    names = [Path(file).parent.name for file in generator.files[:16] if "7" not in file[-6:]]
    assert [generator.classes[one] for one in labels.argmax(axis=1)] == names
    assert "7.mkv: _get_frames gave nothing" in caplog.text
    wrong = type("Wrong", (_Reading,), {"_get_frames": lambda *_: np.zeros((2, 2))})
    with pytest.raises(UsageError, match=r"_get_frames must give \(5, 8, 8, 3\), got \(2, 2\)"):
        wrong(glob_pattern=pattern, target_shape=(8, 8))[0]


def test_headers_are_passed_on_and_the_frames_of_the_package_may_be_changed(pattern: str) -> None:
    asked = []

    class Halved(OpticalFlowGenerator):
        def _get_frames(
            self, video: str, nbframe: int, shape: tuple[int, int], force_no_headers: bool = False
        ) -> Any:
            asked.append((nbframe, force_no_headers))
            return super()._get_frames(video, nbframe, shape, force_no_headers) * 0.5

    options: dict[str, Any] = {
        "glob_pattern": pattern,
        "nb_frames": 2,
        "method": METHOD_ABS_DIFF,
        "target_shape": (8, 8),
        "shuffle": False,
        "rescale": 1,
    }
    clips, _ = Halved(use_headers=False, **options)[0]
    assert set(asked) == {(3, True)}
    plain, _ = OpticalFlowGenerator(**options)[0]
    assert plain.min() > 10
    np.testing.assert_allclose(clips, plain / 2, atol=2.5)  # rounded twice


def test_vid_info_names_the_frames_of_each_window(pattern: str) -> None:
    generator = SlidingFrameGenerator(
        glob_pattern=pattern, nb_frames=6, sequence_time=1, target_shape=(8, 8), shuffle=False
    )
    second = generator.vid_info[1]
    assert second["frames"].tolist() == [1, 6, 11, 16, 21, 26]
    assert (second["id"], second["name"], second["frame_count"]) == (1, generator.files[0], 60)
    assert second["fps"] == pytest.approx(30, rel=0.01)
    assert -(-len(generator.vid_info) // 16) == len(generator)


def test_a_time_longer_than_every_video_is_told_once(
    pattern: str, caplog: pytest.LogCaptureFixture
) -> None:
    generator = SlidingFrameGenerator(glob_pattern=pattern, sequence_time=3, target_shape=(8, 8))
    with pytest.raises(
        UsageError, match=r"is 3 s, but the longest of 20 videos lasts 2\.00 s; use"
    ):
        len(generator)
    assert caplog.text == ""


def test_one_class_alone_is_refused_by_name(pattern: str) -> None:
    with pytest.raises(UsageError, match=r"classes must name two or more, got \['golf'\]"):
        VideoFrameGenerator(glob_pattern=pattern, classes=["golf"])


def test_a_batch_is_shown_in_its_colours(pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    shown = []
    monkeypatch.setattr(pyplot, "show", lambda: shown.append(pyplot.gcf()))
    generator = VideoFrameGenerator(
        glob_pattern=pattern, batch_size=2, nb_frames=3, target_shape=(8, 8), shuffle=False
    )
    utils.show_sample(generator)
    places = shown[0].axes
    assert [one.get_title() for one in places] == ["dribble"] * 6
    values = [int(one.images[0].get_array()[0, 0, 0]) for one in places[:3]]
    assert values == numbers(generator[0][0], 1 / 255)[0] != [0, 0, 0]
    utils.show_sample(generator, random=True, row_width=4, row_height=1)
    assert shown[1].get_size_inches().tolist() == [4, 2]
    pyplot.close("all")


_LEGACY = """
import sys
import tf_keras
from rtaction.train.data import frame_cache
from rtaction.train.keras_video import SlidingFrameGenerator
from rtaction.keras_tensorflow import keras

options = {"glob_pattern": sys.argv[1], "target_shape": (8, 8), "nb_frames": 3, "split_val": 0.2}
train = SlidingFrameGenerator(sequence_time=1, stride_time=0.5, **options)
model = tf_keras.Sequential([
    tf_keras.layers.Flatten(input_shape=(3, 8, 8, 3)),
    tf_keras.layers.Dense(2, activation="softmax"),
])
model.compile("sgd", "categorical_crossentropy")
found = model.fit(train, validation_data=train.get_validation_generator(), epochs=2, verbose=0)
assert len(found.history["val_loss"]) == 2, found.history
assert isinstance(train, SlidingFrameGenerator) and isinstance(train, keras.utils.PyDataset)
"""


@pytest.mark.slow
def test_the_old_keras_takes_them(pattern: str, tmp_path: Path) -> None:
    pytest.importorskip("tf_keras")
    done = subprocess.run(
        [sys.executable, "-c", _LEGACY, pattern],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"XDG_CACHE_HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr[-2000:]
