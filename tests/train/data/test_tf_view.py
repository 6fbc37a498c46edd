"""Generators as a `tf.data.Dataset`: the same batches, finite, in another order in each epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtaction.keras_tensorflow import keras
from rtaction.train import keras_video
from rtaction.train.data.frame_cache import FrameCache
from rtaction.train.generators import SlidingFrameGenerator
from tests.train.small_training import write_squares


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_squares(tmp_path_factory.mktemp("work") / "videos")


def _sliding(videos: Path, **changes: Any) -> SlidingFrameGenerator:
    options: dict[str, Any] = {
        "clip_seconds": 0.6,
        "frames_per_clip": 3,
        "size_hw": (16, 24),
        "batch_size": 5,
        "validation_fraction": 0.34,
        "cache": FrameCache(videos.parent / "cache"),
    }
    return SlidingFrameGenerator(videos, **options | changes)


def _epoch(dataset: Any) -> tuple[np.ndarray, np.ndarray]:
    clips, labels = zip(*dataset.as_numpy_iterator(), strict=True)
    return np.concatenate(clips), np.concatenate(labels)


def test_it_has_the_batches_of_the_generator(videos: Path) -> None:
    dataset = _sliding(videos).tf_dataset()
    clips, labels = dataset.element_spec
    assert (clips.shape.as_list(), clips.dtype.name) == ([None, 3, 16, 24, 3], "uint8")
    assert (labels.shape.as_list(), labels.dtype.name) == ([None, 2], "float32")
    same = _sliding(videos)
    assert dataset.cardinality().numpy() == len(same)
    found = list(dataset.as_numpy_iterator())
    assert len(found) == len(same)
    for number, (x, y) in enumerate(found):
        np.testing.assert_array_equal(x, same[number][0])
        np.testing.assert_array_equal(y, same[number][1])


def test_each_epoch_has_another_order_of_the_same_clips(videos: Path) -> None:
    dataset, same = _sliding(videos).tf_dataset(), _sliding(videos)
    first, second = _epoch(dataset)[0], _epoch(dataset)[0]
    assert not np.array_equal(first, second)
    flat = [one.reshape(len(one), -1) for one in (first, second)]
    np.testing.assert_array_equal(np.unique(flat[0], axis=0), np.unique(flat[1], axis=0))
    same.on_epoch_end()  # the second epoch is the generator's second one
    np.testing.assert_array_equal(second, np.concatenate([x for x, _ in same]))


def test_an_epoch_that_is_left_early_is_over(videos: Path) -> None:
    dataset = _sliding(videos).tf_dataset()
    first = next(iter(dataset))[0].numpy()
    assert not np.array_equal(first, next(iter(dataset))[0].numpy())


def test_validation_keeps_its_order(videos: Path) -> None:
    validation = _sliding(videos).validation()
    assert validation is not None
    dataset = validation.tf_dataset()
    np.testing.assert_array_equal(_epoch(dataset)[0], _epoch(dataset)[0])


def test_the_old_generators_have_it_as_well(videos: Path) -> None:
    old = keras_video.VideoFrameGenerator(
        glob_pattern=f"{videos}/{{classname}}/*.mp4",
        target_shape=(16, 24),
        nb_frames=3,
        batch_size=5,
        seed=1,
    )
    dataset = old.tf_dataset()
    assert dataset.element_spec[0].shape.as_list() == [None, 3, 16, 24, 3]
    assert dataset.element_spec[0].dtype.name == "float32"
    first, second = _epoch(dataset)[0], _epoch(dataset)[0]
    assert len(first) == len(second) == 12
    assert not np.array_equal(first, second)


def test_a_model_fits_on_it(videos: Path) -> None:
    train = _sliding(videos)
    clip = keras.Input((3, 16, 24, 3))
    x = keras.layers.GlobalAveragePooling3D()(clip)
    model = keras.Model(clip, keras.layers.Dense(2, activation="softmax")(x))
    model.compile("adam", "categorical_crossentropy")
    validation = train.validation()
    assert validation is not None
    seen: list[int] = []
    counted = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(batch)
    )
    history = model.fit(
        train.tf_dataset(),
        validation_data=validation.tf_dataset(),
        epochs=2,
        verbose=0,
        callbacks=[counted],
    )
    assert seen == [*range(len(train)), *range(len(train))]
    assert len(history.history["val_loss"]) == 2
