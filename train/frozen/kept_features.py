"""What a frozen network made of videos, kept from run to run, for each part of the modality.

Folds of one set, a probe and the training after it, and a training begun anew ask for the same
features of the same pictures. A part is known by the network's weights, so another network, or the
same one trained on, has entries of its own.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.modality import parts_of
from rtaction.model_spec import ModelSpec
from rtaction.train.data.augment import Augmentation
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.data.frame_cache import FrameCache

# To be raised whenever a network would be shown other pictures of the same frames.
_FORMAT = 1


@dataclass(frozen=True, eq=False)
class KeptFeatures:
    """The features of one frozen network in a cache.

    Args:
        cache: where they are.
        frozen: Keras model of one picture, its output the parts of the modality side by side.
        encoder: what else the features depend on, such as how they are pooled.
        spec: size of the pictures, and what they show.
    """

    cache: FrameCache
    frozen: Any
    encoder: str
    spec: ModelSpec

    def load(
        self, clips: ClipSet, video: int, pairs: npt.NDArray[np.intp], change: Change
    ) -> npt.NDArray[np.float16] | None:
        """What was made of a video's pictures; None where a part is missing.

        Args:
            clips: what the video is in.
            video: its position there.
            pairs: intp, shape (num_pictures, 2), positions of frames in `clips.frames`.
            change: how the pictures were changed.

        Returns:
            float16, shape (num_pictures, ...).
        """
        identity = self._identity(clips, video, pairs, change)
        if identity is None:
            return None
        found = []
        for part in self._parts:
            made = self.cache.array(clips.videos[video].path, [*identity, part])
            if made is None or made.shape != (len(pairs), *self._part_shape):
                return None
            found.append(made)
        return np.concatenate(found, axis=-1)

    def keep(
        self,
        clips: ClipSet,
        video: int,
        pairs: npt.NDArray[np.intp],
        change: Change,
        made: npt.NDArray[np.float16],
    ) -> None:
        """Keep what was made, see `load`."""
        identity = self._identity(clips, video, pairs, change)
        if identity is None:
            return
        split = np.split(made, len(self._parts), axis=-1)
        for part, one in zip(self._parts, split, strict=True):
            self.cache.keep_array(clips.videos[video].path, [*identity, part], one)

    def _identity(
        self, clips: ClipSet, video: int, pairs: npt.NDArray[np.intp], change: Change
    ) -> list[Any] | None:
        if not clips.video_times_seconds:
            return None
        times = clips.video_times_seconds[video][pairs - clips.video_starts[video]]
        spec = self.spec
        return [
            *(_FORMAT, self._weights, self.encoder),
            *(spec.height, spec.width, spec.base, spec.resize),
            hashlib.sha256(times.tobytes()).hexdigest(),
            change.identity,
        ]

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
    """One way in which a video is changed, the same in each run.

    Args:
        augmentation: what may happen to it; None changes nothing.
        label: of the video.
        name: of its file.
        variant: number of the way.
    """

    augmentation: Augmentation | None
    label: str
    name: str
    variant: int

    def random(self) -> np.random.Generator:
        """Draws that belong to this way, from their beginning."""
        digest = hashlib.sha256(f"{self.variant}/{self.name}".encode()).digest()
        return np.random.default_rng(int.from_bytes(digest[:8]))

    @property
    def identity(self) -> str:
        """What tells it from others."""
        if self.augmentation is None:
            return ""
        amounts = replace(self.augmentation, keep_sides=())
        keeps_sides = self.label in self.augmentation.keep_sides
        return f"{self.variant}/{self.name}/{keeps_sides}/{amounts}"
