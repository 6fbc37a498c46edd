"""Keras datasets of clips: over whole videos, or sliding through them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.keras_tensorflow import keras
from rtaction.labelled_videos import Group, find_videos, labels_of
from rtaction.model_spec import Modality, ModelSpec, Resize, Sampling
from rtaction.train.augment import Augmentation
from rtaction.train.clip_set import ClipSet, read_clip_set, with_clip_length
from rtaction.train.frame_cache import FrameCache
from rtaction.train.split import Split, split_by_group

Batch = tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]


class ClipDataset(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of clips for `model.fit`.

    Args:
        clips: where they come from.
        batch_size: clips in a batch; the last batch may hold fewer. Default 8.
        shuffle: another order in each epoch. Default True.
        seed: of the order; with the epoch's number it determines it. Default 0.
        first_epoch: number of the epoch that comes first, for a resumed training. Default 0.
        augmentation: what may happen to a clip, anew in each epoch. Default None, nothing.
    """

    def __init__(
        self,
        clips: ClipSet,
        *,
        batch_size: int = 8,
        shuffle: bool = True,
        seed: int = 0,
        first_epoch: int = 0,
        augmentation: Augmentation | None = None,
        **keras_options: Any,
    ) -> None:
        super().__init__(**keras_options)
        self.clips = clips
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.augmentation = augmentation
        self._epoch = first_epoch
        self._order = self._order_of_epoch()

    @property
    def labels(self) -> tuple[str, ...]:
        """All labels, in the order of the one-hot columns."""
        return self.clips.labels

    def __len__(self) -> int:
        return -(-len(self.clips) // self.batch_size)

    def __getitem__(self, index: int) -> Batch:
        """Batch `index` of this epoch.

        Returns:
            uint8 clips of shape (n, frames_per_clip, height, width, channels), and float32 one-hot
            labels of shape (n, num_labels).
        """
        if not 0 <= index < len(self):
            raise IndexError(f"batch must be from 0 to {len(self) - 1}, got {index}")
        chosen = self._order[index * self.batch_size : (index + 1) * self.batch_size]
        images = self.clips.images(chosen)
        if self.augmentation is not None:
            images = np.stack(
                [
                    self.augmentation.apply(clip, self._label_of(number), self._random_of(number))
                    for clip, number in zip(images, chosen.tolist(), strict=True)
                ]
            )
        return images, self.clips.one_hot(chosen)

    def on_epoch_end(self) -> None:
        """Change the order for the next epoch."""
        self._epoch += 1
        self._order = self._order_of_epoch()

    def _label_of(self, number: int) -> str:
        return str(self.labels[self.clips.clip_labels[number]])

    def _random_of(self, number: int) -> np.random.Generator:
        # By clip and epoch, so that a resumed training sees what an unbroken one would have seen.
        return np.random.default_rng([self.seed, self._epoch, number])

    def _order_of_epoch(self) -> npt.NDArray[np.intp]:
        if not self.shuffle:
            return np.arange(len(self.clips))
        return np.random.default_rng([self.seed, self._epoch]).permutation(len(self.clips))


class _FoundClipDataset(ClipDataset):
    """Finds, splits and decodes videos, and serves one side of the split."""

    _sampling: Sampling = "sliding"

    def _setup(
        self,
        pattern: str | Path,
        *,
        labels: Sequence[str] | None,
        group: Group,
        validation_fraction: float,
        test_fraction: float,
        spec_values: dict[str, Any],
        stride_seconds: float | None,
        cache: FrameCache | None,
        options: dict[str, Any],
    ) -> None:
        videos = find_videos(pattern, labels=labels, group=group)
        self._split: Split = split_by_group(
            videos,
            validation_fraction=validation_fraction,
            test_fraction=test_fraction,
            seed=options["seed"],
        )
        self.spec = ModelSpec(
            labels=tuple(labels or labels_of(videos)), sampling=self._sampling, **spec_values
        )
        self._stride_seconds = stride_seconds
        self._cache = cache or FrameCache()
        self._options = options
        clips = read_clip_set(
            self._split.train, self.spec, stride_seconds=stride_seconds, cache=self._cache
        )
        self.spec = with_clip_length(self.spec, clips)
        super().__init__(clips, **options)

    def validation(self) -> ClipDataset | None:
        """The clips to validate on, in a fixed order; None where there are none."""
        return self._side(self._split.validation)

    def test(self) -> ClipDataset | None:
        """The clips to test on, in a fixed order; None where there are none."""
        return self._side(self._split.test)

    def _side(self, videos: list[Any]) -> ClipDataset | None:
        if not videos:
            return None
        clips = read_clip_set(
            videos,
            self.spec,
            stride_seconds=self._stride_seconds,
            need_every_label=False,
            cache=self._cache,
        )
        return ClipDataset(clips, **self._options | {"shuffle": False, "augmentation": None})


class VideoFrameGenerator(_FoundClipDataset):
    """One clip for each video, its frames spread over the whole of it.

    Args:
        pattern: a folder of folders, or a glob pattern with "{classname}".
        frames_per_clip: pictures in a clip. Default 5.
        size_hw: height and width of a picture. Default (112, 112).
        modality: "rgb" or "gray". Default "rgb".
        resize: "squash", "crop" or "letterbox". Default "squash".
        labels: only these, in this order. Default: all that are found, sorted.
        group: which videos belong together, see `rtaction.labelled_videos.Group`. Default None.
        validation_fraction: share of videos for `validation()`. Default 0.0.
        test_fraction: share of videos for `test()`. Default 0.0.
        batch_size: clips in a batch. Default 8.
        shuffle: another order in each epoch. Default True.
        seed: of the split and of the order. Default 0.
        cache: where decoded videos are kept from run to run. Default: `FrameCache()`, in the
            user's cache folder.
        augmentation: what may happen to a training clip. Default None, nothing.
        keras_options: `workers`, `use_multiprocessing`, `max_queue_size` of `PyDataset`.

    Raises:
        UsageError, DatasetError: see `find_videos`, `split_by_group` and `read_clip_set`.

    Example:
        >>> train = VideoFrameGenerator("videos/{classname}/*.avi", validation_fraction=0.2)
        >>> model.fit(train, validation_data=train.validation())
    """

    _sampling = "spread"

    def __init__(
        self,
        pattern: str | Path,
        *,
        frames_per_clip: int = 5,
        size_hw: tuple[int, int] = (112, 112),
        modality: Modality = "rgb",
        resize: Resize = "squash",
        labels: Sequence[str] | None = None,
        group: Group = None,
        validation_fraction: float = 0.0,
        test_fraction: float = 0.0,
        batch_size: int = 8,
        shuffle: bool = True,
        seed: int = 0,
        cache: FrameCache | None = None,
        augmentation: Augmentation | None = None,
        **keras_options: Any,
    ) -> None:
        self._setup(
            pattern,
            labels=labels,
            group=group,
            validation_fraction=validation_fraction,
            test_fraction=test_fraction,
            # Each clip is as long as its video; the length is measured once they are decoded.
            spec_values=_spec_values(frames_per_clip, 1.0, size_hw, modality, resize),
            stride_seconds=None,
            cache=cache,
            options={
                "batch_size": batch_size,
                "shuffle": shuffle,
                "seed": seed,
                "augmentation": augmentation,
            }
            | keras_options,
        )


class SlidingFrameGenerator(_FoundClipDataset):
    """Clips of a set length that slide through each video.

    Args:
        pattern: a folder of folders, or a glob pattern with "{classname}".
        clip_seconds: time from a clip's first picture to its last. Default 1.0.
        stride_seconds: time between the starts of two clips. Default: half a clip.
        frames_per_clip: pictures in a clip. Default 5.
        size_hw: height and width of a picture. Default (112, 112).
        modality: "rgb" or "gray". Default "rgb".
        resize: "squash", "crop" or "letterbox". Default "squash".
        labels: only these, in this order. Default: all that are found, sorted.
        group: which videos belong together, see `rtaction.labelled_videos.Group`. Default None.
        validation_fraction: share of videos for `validation()`. Default 0.0.
        test_fraction: share of videos for `test()`. Default 0.0.
        batch_size: clips in a batch. Default 8.
        shuffle: another order in each epoch. Default True.
        seed: of the split and of the order. Default 0.
        cache: where decoded videos are kept from run to run. Default: `FrameCache()`, in the
            user's cache folder.
        augmentation: what may happen to a training clip. Default None, nothing.
        keras_options: `workers`, `use_multiprocessing`, `max_queue_size` of `PyDataset`.

    Raises:
        UsageError, DatasetError: see `find_videos`, `split_by_group` and `read_clip_set`.
    """

    _sampling = "sliding"

    def __init__(
        self,
        pattern: str | Path,
        *,
        clip_seconds: float = 1.0,
        stride_seconds: float | None = None,
        frames_per_clip: int = 5,
        size_hw: tuple[int, int] = (112, 112),
        modality: Modality = "rgb",
        resize: Resize = "squash",
        labels: Sequence[str] | None = None,
        group: Group = None,
        validation_fraction: float = 0.0,
        test_fraction: float = 0.0,
        batch_size: int = 8,
        shuffle: bool = True,
        seed: int = 0,
        cache: FrameCache | None = None,
        augmentation: Augmentation | None = None,
        **keras_options: Any,
    ) -> None:
        self._setup(
            pattern,
            labels=labels,
            group=group,
            validation_fraction=validation_fraction,
            test_fraction=test_fraction,
            spec_values=_spec_values(frames_per_clip, clip_seconds, size_hw, modality, resize),
            stride_seconds=stride_seconds,
            cache=cache,
            options={
                "batch_size": batch_size,
                "shuffle": shuffle,
                "seed": seed,
                "augmentation": augmentation,
            }
            | keras_options,
        )


def _spec_values(
    frames_per_clip: int,
    clip_seconds: float,
    size_hw: tuple[int, int],
    modality: Modality,
    resize: Resize,
) -> dict[str, Any]:
    return {
        "frames_per_clip": frames_per_clip,
        "clip_seconds": clip_seconds,
        "height": size_hw[0],
        "width": size_hw[1],
        "modality": modality,
        "resize": resize,
    }
