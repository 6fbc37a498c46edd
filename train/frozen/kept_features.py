"""Features of a frozen network, cached from run to run, for each part of the modality.

The folds of a cross-validation, `--auto` and the training after it, and a repeated training need
the same features of the same pictures. The cache key contains the network's weights, so another
network, or the same one after more training, has its own entries.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.modality import base_of, parts_of
from rtaction.model_spec import ModelSpec
from rtaction.train.data.augment import Augmentation
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.data.frame_cache import FrameCache

# Raise it whenever the same frames would give the network other pictures.
_FORMAT = 2


@dataclass(frozen=True, eq=False)
class KeptFeatures:
    """The features of one frozen network in a cache.

    Args:
        cache: the cache.
        frozen: Keras model of one picture; its output has the parts of the modality side by side.
        encoder: what else the features depend on, such as the pooling.
        spec: size and modality of the pictures.
    """

    cache: FrameCache
    frozen: Any
    encoder: str
    spec: ModelSpec

    def load(
        self, clips: ClipSet, video: int, pairs: npt.NDArray[np.intp], change: Change
    ) -> npt.NDArray[np.float16] | None:
        """Features of a video's pictures; None if those of a part are missing.

        Args:
            clips: the clip set that has the video.
            video: its position in `clips.videos`.
            pairs: intp, shape (num_pictures, 2), positions of frames in `clips.frames`.
            change: how the pictures were augmented.

        Returns:
            float16, shape (num_pictures, ...).
        """
        identity = self._identity(clips, video, pairs, change)
        if identity is None:
            return None
        found = []
        for part in self._parts:
            of_part = [*identity, self._base_of(part, change), part]
            features = self.cache.array(clips.videos[video].path, of_part)
            if features is None or features.shape != (len(pairs), *self._part_shape):
                return None
            found.append(features)
        return np.concatenate(found, axis=-1)

    def keep(
        self,
        clips: ClipSet,
        video: int,
        pairs: npt.NDArray[np.intp],
        change: Change,
        features: npt.NDArray[np.float16],
    ) -> None:
        """Store features, see `load`."""
        identity = self._identity(clips, video, pairs, change)
        if identity is None:
            return
        split = np.split(features, len(self._parts), axis=-1)
        for part, one in zip(self._parts, split, strict=True):
            of_part = [*identity, self._base_of(part, change), part]
            self.cache.keep_array(clips.videos[video].path, of_part, one)

    def _identity(
        self, clips: ClipSet, video: int, pairs: npt.NDArray[np.intp], change: Change
    ) -> list[Any] | None:
        if not clips.video_times_seconds:
            return None
        times = clips.video_times_seconds[video][pairs - clips.video_starts[video]]
        spec = self.spec
        return [
            *(_FORMAT, self._weights, self.encoder),
            *(spec.height, spec.width, spec.resize),
            hashlib.sha256(times.tobytes()).hexdigest(),
            change.identity,
        ]

    def _base_of(self, part: str, change: Change) -> str:
        """What the pictures of a part were made of, which those beside it do not change; but noise
        that is added to colours is not that of gray values."""
        return self.spec.base if change.augmentation else base_of(part)

    @cached_property
    def _weights(self) -> str:
        digest = hashlib.sha256()
        for weight in self.frozen.get_weights():
            digest.update(str(weight.shape).encode())
            digest.update(np.ascontiguousarray(weight).data)
        return digest.hexdigest()

    @cached_property
    def _parts(self) -> tuple[str, ...]:
        return tuple(parts_of(self.spec.modality))

    @cached_property
    def _part_shape(self) -> tuple[int, ...]:
        *rows, channels = self.frozen.output.shape[1:]
        return *rows, channels // len(self._parts)


@dataclass(frozen=True, slots=True)
class Change:
    """One augmented variant of a video, the same in each run.

    Args:
        augmentation: the random changes; None for none.
        label: of the video.
        name: of its file.
        variant: number of the variant.
    """

    augmentation: Augmentation | None
    label: str
    name: str
    variant: int

    def random(self) -> np.random.Generator:
        """A new generator, seeded by the variant and the file name."""
        digest = hashlib.sha256(f"{self.variant}/{self.name}".encode()).digest()
        return np.random.default_rng(int.from_bytes(digest[:8]))

    @property
    def identity(self) -> str:
        """Its part of the cache key."""
        if self.augmentation is None:
            return ""
        amounts = replace(self.augmentation, keep_sides=())
        keeps_sides = self.label in self.augmentation.keep_sides
        return f"{self.variant}/{self.name}/{keeps_sides}/{amounts}"
