"""Features are made once: what an earlier run kept is the same, and used for nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.labelled.videos import Video
from rtaction.model_spec import ModelSpec
from rtaction.train.data.augment import Augmentation
from rtaction.train.data.clip_reading import read_clip_set
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.data.frame_cache import FrameCache
from rtaction.train.frozen.encoded import EncodedClips
from rtaction.train.frozen.kept_features import KeptFeatures
from tests.videos import write_video

SPEC = ModelSpec(("a", "b"), 3, clip_seconds=0.4, height=32, width=32, modality="rgb+rgb_diff")


class _Mean:
    """A frozen part whose features of a part are the means of its channels, times a weight."""

    def __init__(self, spec: ModelSpec = SPEC, weight: float = 1.0) -> None:
        self.output = np.empty((0, spec.channels))
        self.weight = weight
        self.num_runs = 0

    def get_weights(self) -> list[npt.NDArray[Any]]:
        return [np.array(self.weight)]

    def predict_on_batch(self, pictures: npt.NDArray[Any]) -> npt.NDArray[Any]:
        self.num_runs += 1
        return np.asarray(pictures.mean(axis=(1, 2)) / 255 * self.weight)


def _clips(folder: Path, spec: ModelSpec = SPEC, labels: str = "ab") -> ClipSet:
    videos = []
    for number, label in enumerate(labels):
        path = folder / f"{label}.mp4"
        if not path.exists():
            images = np.random.default_rng(number).integers(0, 256, (12, 32, 32, 3))
            write_video(path, images.astype(np.uint8), np.arange(12) / 10)
        videos.append(Video(path, label, label))
    return read_clip_set(
        videos, spec, stride_seconds=0.2, need_every_label=False, cache=_cache(folder)
    )


def _cache(folder: Path) -> FrameCache:
    return FrameCache(folder / "cache")


def _encoded(
    folder: Path, frozen: _Mean, spec: ModelSpec = SPEC, *, encoder: str = "mean", **options: Any
) -> npt.NDArray[np.float32]:
    """Features of all clips, of the last variant."""
    clips = _clips(folder, spec, options.pop("labels", "ab"))
    kept = KeptFeatures(_cache(folder), frozen, encoder, spec)
    encoded = EncodedClips(frozen, clips, kept=kept, **options)
    numbers = np.arange(len(clips))
    return encoded.of(numbers, np.full(len(clips), encoded.num_variants - 1))


def test_what_was_made_is_not_made_again(tmp_path: Path) -> None:
    first, again = _Mean(), _Mean()
    made = _encoded(tmp_path, first, augmentation=Augmentation(), num_variants=2)
    assert first.num_runs > 0
    assert np.array_equal(
        _encoded(tmp_path, again, augmentation=Augmentation(), num_variants=2), made
    )
    assert again.num_runs == 0


def test_other_videos_and_parts_are_made_and_the_rest_is_not(tmp_path: Path) -> None:
    _encoded(tmp_path, _Mean(), labels="a")
    other_video = _Mean()
    _encoded(tmp_path, other_video, labels="ab")
    assert other_video.num_runs == 1  # 11 pictures of one video; both would take two batches
    fewer_parts = replace(SPEC, modality="rgb_diff")
    part = _Mean(fewer_parts)
    made = _encoded(tmp_path, part, fewer_parts)
    assert part.num_runs == 0
    assert np.array_equal(made, _encoded(tmp_path, _Mean())[..., 3:])


class _LastMean(_Mean):
    """One feature for each of several parts: the mean of the last channel."""

    def __init__(self, num_parts: int) -> None:
        super().__init__()
        self.output = np.empty((0, num_parts))

    def predict_on_batch(self, pictures: npt.NDArray[Any]) -> npt.NDArray[Any]:
        means = super().predict_on_batch(pictures)[:, -1:]
        return np.repeat(means, self.output.shape[1], axis=1)


def test_parts_of_gray_values_are_the_same_beside_colours(tmp_path: Path) -> None:
    beside, alone = (replace(SPEC, modality=name) for name in ("rgb_diff+abs_diff", "abs_diff"))
    varied: dict[str, Any] = {"augmentation": Augmentation(), "num_variants": 2}
    made = _encoded(tmp_path, _LastMean(2), beside)
    frozen = _LastMean(1)
    assert np.array_equal(_encoded(tmp_path, frozen, alone), made[..., 1:])
    assert frozen.num_runs == 0
    _encoded(tmp_path, _LastMean(2), beside, **varied)
    _encoded(tmp_path, frozen, alone, **varied)
    assert frozen.num_runs > 0  # noise in colours is not that in gray values


def test_whatever_changes_features_makes_them_anew(tmp_path: Path) -> None:
    _encoded(tmp_path, _Mean())
    for frozen, spec, options in (
        (_Mean(weight=2.0), SPEC, {}),
        (_Mean(), SPEC, {"encoder": "other"}),
        (_Mean(), replace(SPEC, height=48), {}),
        (_Mean(), replace(SPEC, resize="crop"), {}),
        (_Mean(), replace(SPEC, clip_seconds=0.2), {}),
        (_Mean(), SPEC, {"augmentation": Augmentation(), "num_variants": 2}),
        (_Mean(), SPEC, {"augmentation": Augmentation(noise=1.0), "num_variants": 2}),
        (
            _Mean(),
            SPEC,
            {"augmentation": Augmentation(noise=1.0, keep_sides=("b",)), "num_variants": 2},
        ),
    ):
        _encoded(tmp_path, frozen, spec, **options)
        assert frozen.num_runs > 0, (spec, options)


def test_a_damaged_entry_is_made_anew(tmp_path: Path) -> None:
    made = _encoded(tmp_path, _Mean())
    for entry in (tmp_path / "cache").glob("*.npy"):
        entry.write_bytes(entry.read_bytes()[:-10])
    frozen = _Mean()
    assert np.array_equal(_encoded(tmp_path, frozen), made)
    assert frozen.num_runs > 0


def test_without_room_nothing_is_kept(tmp_path: Path) -> None:
    clips, frozen = _clips(tmp_path), _Mean()
    kept = KeptFeatures(FrameCache(tmp_path / "none", limit_gb=0), frozen, "mean", SPEC)
    for _ in range(2):
        before = frozen.num_runs
        EncodedClips(frozen, clips, kept=kept)
        assert frozen.num_runs > before
    assert not list(tmp_path.glob("none/*"))
