"""Batches of clips for Keras."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.evaluation.text import counted
from rtaction.keras_tensorflow import keras
from rtaction.train.data.augment import Augmentation
from rtaction.train.data.balance import balanced_order
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.data.tf_view import tf_view

Batch = tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]


def counts_table(labels: Sequence[str], **counts: Sequence[int]) -> list[str]:
    """A table of the numbers of each label, such as those of videos and clips."""
    rows = [("label", *counts), *zip(labels, *counts.values(), strict=True)]
    wide = max(len(str(row[0])) for row in rows)
    return ["  ".join([f"{row[0]:{wide}}", *(f"{one:>6}" for one in row[1:])]) for row in rows]


class ClipDataset(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of clips for `model.fit`.

    Args:
        clips: the clips.
        batch_size: clips in a batch; the last batch may have fewer. Default 8.
        even: distribute the clips evenly, so that the sizes of batches differ by at most one and
            no batch is small. Default False.
        shuffle: use another order in each epoch. Default True.
        balanced: use every label equally often in each epoch, see `balanced_order`; it shuffles.
            Default False.
        seed: of the order, together with the epoch's number. Default 0.
        first_epoch: number of the first epoch, for a resumed training. Default 0.
        augmentation: changes of clips, drawn anew in each epoch. Default None, no changes.
        part: which part of each batch to give, and of how many, for processes that share them.
            Default (0, 1): all of it.

    Attributes:
        side: of a split, such as "train"; empty if it is not known.
    """

    def __init__(
        self,
        clips: ClipSet,
        *,
        batch_size: int = 8,
        even: bool = False,
        shuffle: bool = True,
        balanced: bool = False,
        seed: int = 0,
        first_epoch: int = 0,
        augmentation: Augmentation | None = None,
        part: tuple[int, int] = (0, 1),
        **keras_options: Any,
    ) -> None:
        super().__init__(**keras_options)
        self.clips = clips
        self.batch_size = batch_size
        self.even = even
        self.shuffle = shuffle
        self.balanced = balanced
        self.seed = seed
        self.augmentation = augmentation
        self.part = part
        self._epoch = first_epoch
        self._order = self._order_of_epoch()
        self.side = ""

    def __repr__(self) -> str:
        """What it holds: numbers of videos and clips, of each label, and their shape."""
        clips = self.clips
        videos = Counter(label for one in clips.videos for label in one.labels)
        side = f" ({self.side})" if self.side else ""
        shape, dtype = self[0][0].shape[1:], self[0][0].dtype
        return "\n".join(
            [
                f"{type(self).__name__}{side}: {counted(len(clips), 'clip')} of "
                f"{counted(len(clips.videos), 'video')}, in {len(self)} batches of up to "
                f"{self.batch_size}",
                f"clips of shape {tuple(map(int, shape))} {dtype}, {clips.modality}",
                *counts_table(
                    clips.labels,
                    videos=[videos[label] for label in clips.labels],
                    clips=[clips.num_of(number) for number in range(len(clips.labels))],
                ),
            ]
        )

    def tf_dataset(self) -> Any:
        """The batches as a finite `tf.data.Dataset`, see `tf_view`."""
        return tf_view(self)

    @property
    def labels(self) -> tuple[str, ...]:
        """All labels, in the order of the one-hot columns."""
        return self.clips.labels

    def __len__(self) -> int:
        return -(-len(self._order) // self.batch_size)

    @property
    def batch_sizes(self) -> list[int]:
        """Number of clips in each batch of an epoch, in all parts together."""
        return [len(self._batch(index)) for index in range(len(self))]

    def __getitem__(self, index: int) -> Batch:
        """Batch `index` of this epoch.

        Returns:
            What the network sees of n clips, see `ClipSet.pictures`, and float32 one-hot labels of
            shape (n, num_labels).
        """
        if not 0 <= index < len(self):
            raise IndexError(f"batch must be from 0 to {len(self) - 1}, got {index}")
        places = self._places(index)
        chosen = self._order[places.start : places.stop]
        if self.augmentation is None:
            return self.clips.pictures(chosen), self.clips.one_hot(chosen)
        changed = [
            self.clips.changed(number, self.augmentation, self._random_of(place))
            for number, place in zip(chosen.tolist(), places, strict=True)
        ]
        return np.stack(changed), self.clips.one_hot(chosen)

    def on_epoch_end(self) -> None:
        """Change the order for the next epoch."""
        self._epoch += 1
        self._order = self._order_of_epoch()

    def _places(self, index: int) -> range:
        """The positions in the order of this part of batch `index`."""
        places = self._batch(index)
        number, count = self.part
        return places[number * len(places) // count : (number + 1) * len(places) // count]

    def _batch(self, index: int) -> range:
        """The positions of batch `index` in the order."""
        total = len(self._order)
        if self.even:
            return range(index * total // len(self), (index + 1) * total // len(self))
        return range(index * self.batch_size, min((index + 1) * self.batch_size, total))

    def _random_of(self, place: int) -> np.random.Generator:
        # By epoch and position: a resumed training gets what an uninterrupted one would have got,
        # and a clip that is drawn twice is changed in two ways.
        return np.random.default_rng([self.seed, self._epoch, place])

    def _order_of_epoch(self) -> npt.NDArray[np.intp]:
        random = np.random.default_rng([self.seed, self._epoch])
        if self.balanced:
            return balanced_order(self.clips.clip_labels, random)
        if not self.shuffle:
            return np.arange(len(self.clips))
        return random.permutation(len(self.clips))
