"""Clips in batches, as Keras takes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.keras_tensorflow import keras
from rtaction.motion import clip_pictures
from rtaction.train.augment import Augmentation
from rtaction.train.clip_set import ClipSet

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
        if self.augmentation is None:
            return self.clips.pictures(chosen), self.clips.one_hot(chosen)
        # Before motion is computed, so that it is the motion of the changed pictures.
        changed = [
            self.augmentation.apply(clip, self._label_of(number), self._random_of(number))
            for clip, number in zip(self.clips.images(chosen), chosen.tolist(), strict=True)
        ]
        pictures = np.stack([clip_pictures(clip, self.clips.modality) for clip in changed])
        return pictures, self.clips.one_hot(chosen)

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
