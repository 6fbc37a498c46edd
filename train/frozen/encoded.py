"""Features of clips, computed once by the frozen part of a network; the rest trains on them.

The frozen part gives the same features of a picture in every epoch, so the rest trains in seconds
or minutes. Augmentation gives a few variants of each video instead of new ones in each epoch, and
each epoch draws a variant for each clip.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.arrays import Float32Array, UInt8Array
from rtaction.keras_tensorflow import keras
from rtaction.modality import shows_motion
from rtaction.train.data.augment import Augmentation
from rtaction.train.data.clip_dataset import ClipDataset
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.data.decoded_video import open_temporary
from rtaction.train.frozen.kept_features import Change, KeptFeatures
from rtaction.train.networks.build import FRAMES, STANDARD
from rtaction.train.networks.known_encoders import FROZEN, LEARNING
from rtaction.video.motion import network_picture

IndexArray = npt.NDArray[np.intp]

_ENCODED_AT_ONCE = 32
_READ_AT_ONCE = 256
_ADAPTED_TO = 400
_LEAST_VARIANCE = 0.01  # as a share of the mean variance


def frozen_part(network: Any) -> Any | None:
    """The frozen part of a network's encoder; None if it has none."""
    encoder = network.get_layer(FRAMES).layer
    return encoder.get_layer(FROZEN) if _has(encoder, FROZEN) else None


def learning_part(network: Any) -> Any:
    """Everything after the frozen part, as a network of its own that shares its weights.

    Args:
        network: with a frozen part.

    Returns:
        A `keras.Model`, not compiled, from features, float32 (batch, frames_per_clip, ...), to
        scores (batch, num_labels).
    """
    frames = network.get_layer(FRAMES)
    of_frame = frames.layer.get_layer(FROZEN).output.shape[1:]
    features = keras.Input((network.input.shape[1], *of_frame))
    sequence = features
    if _has(frames.layer, LEARNING):
        sequence = keras.layers.TimeDistributed(frames.layer.get_layer(LEARNING))(features)
    head = keras.Model(frames.output, network.output)
    return keras.Model(features, head(sequence))


def adapt(network: Any, clips: ClipSet) -> None:
    """Set the mean and variance by which a pretrained network standardises its features."""
    num_clips = -(-_ADAPTED_TO // network.input.shape[1])
    chosen = np.linspace(0, len(clips) - 1, min(num_clips, len(clips))).astype(np.intp)
    pictures = clips.pictures(chosen).reshape(-1, *network.input.shape[2:])
    encoder = network.get_layer(FRAMES).layer
    features = encoder.predict(pictures, batch_size=_ENCODED_AT_ONCE, verbose=0)
    variance = features.var(axis=0)
    standard = network.get_layer(STANDARD)
    standard.adapt_mean.assign(features.mean(axis=0))
    # A feature that hardly varies would otherwise be amplified until it drowns the others.
    standard.adapt_variance.assign(np.maximum(variance, _LEAST_VARIANCE * variance.mean()))
    standard.finalize_state()


def count_pictures(clips: ClipSet) -> int:
    """Number of different pictures in all clips, as the network sees them."""
    return len(_pairs_of(clips)[0])


def _has(network: Any, name: str) -> bool:
    return any(layer.name == name for layer in network.layers)


class EncodedClips:
    """Features of the pictures of all clips, computed once by the frozen part.

    They are float16 in a temporary file, so a large set needs disk, not memory.

    Args:
        frozen: Keras model of one picture, uint8 (n, height, width, channels) to float32 (n, ...):
            feature vectors or feature maps.
        clips: the clips.
        augmentation: random changes to whole videos. Default None: none.
        num_variants: variants of each video; the first is not augmented, and the others are the
            same in each run. Default 1.
        kept: cache of features. Default None: no cache.
        on_video: called after each video of each variant. Default None.
    """

    def __init__(
        self,
        frozen: Any,
        clips: ClipSet,
        *,
        augmentation: Augmentation | None = None,
        num_variants: int = 1,
        kept: KeptFeatures | None = None,
        on_video: Callable[[], None] | None = None,
    ) -> None:
        self.num_variants = num_variants if augmentation else 1
        pairs, self._pictures_of_clip = _pairs_of(clips)
        shape = (self.num_variants, len(pairs), *frozen.output.shape[1:])
        file = open_temporary(2 * math.prod(shape))
        self._features = np.memmap(file, np.float16, mode="w+", shape=shape)
        # No two videos share a picture.
        places = [
            np.unique(self._pictures_of_clip[clips.clip_videos == number])
            for number in range(len(clips.videos))
        ]
        for variant, features_of_variant in enumerate(self._features):
            missing = []
            for number, video in enumerate(clips.videos):
                mine = pairs[places[number]]
                how = augmentation if variant else None
                label = video.label_among(how.keep_sides) if how else video.label
                change = Change(how, label, video.path.name, variant)
                features = kept.load(clips, number, mine, change) if kept else None
                if features is None:
                    missing.append((number, mine, change))
                    continue
                features_of_variant[places[number]] = features
                if on_video:
                    on_video()
            videos = (_changed_pictures(clips, mine, change) for _, mine, change in missing)
            # `_encode` keeps the order.
            for (number, mine, change), features in zip(
                missing, _encode(frozen, videos), strict=True
            ):
                features_of_variant[places[number]] = features
                if kept:
                    kept.keep(clips, number, mine, change, features)
                if on_video:
                    on_video()

    def of(self, clips: IndexArray, variants: IndexArray) -> Float32Array:
        """Features of some clips.

        Args:
            clips: intp, shape (n,), positions in the clip set.
            variants: intp, shape (n,), the variant of each.

        Returns:
            float32, shape (n, frames_per_clip, ...).
        """
        found = self._features[variants[:, np.newaxis], self._pictures_of_clip[clips]]
        return np.asarray(found, np.float32)


class EncodedDataset(ClipDataset):
    """Batches of features instead of pictures, in the same order.

    Args:
        encoded: features of the clips.
        clips: the clips.
        options: see `ClipDataset`.
    """

    def __init__(self, encoded: EncodedClips, clips: ClipSet, **options: Any) -> None:
        super().__init__(clips, **options)
        self.encoded = encoded

    def __getitem__(self, index: int) -> tuple[Any, Float32Array]:
        """Batch `index` of this epoch.

        Returns:
            float32, shape (n, frames_per_clip, ...), and float32 one-hot labels, shape
            (n, num_labels).
        """
        if not 0 <= index < len(self):
            raise IndexError(f"batch must be from 0 to {len(self) - 1}, got {index}")
        places = self._places(index)
        chosen = self._order[places.start : places.stop]
        num_variants = self.encoded.num_variants if self.shuffle else 1
        variants = [self._random_of(place).integers(num_variants) for place in places]
        features = self.encoded.of(chosen, np.array(variants, np.intp))
        return features, self.clips.one_hot(chosen)


def _pairs_of(clips: ClipSet) -> tuple[IndexArray, IndexArray]:
    """The frames of each different picture, and the pictures of each clip.

    Returns:
        intp, shape (num_pictures, 2): the frame before and the frame itself, or twice the frame
        if the modality shows no motion; and intp, shape (num_clips, frames_per_clip).
    """
    frames = clips.clip_frames
    after = frames[:, 1:] if shows_motion(clips.modality) else frames
    before = frames[:, :-1] if shows_motion(clips.modality) else frames
    pairs = np.stack([before, after], axis=2)  # (num_clips, frames_per_clip, 2)
    unique, places = np.unique(pairs.reshape(-1, 2), axis=0, return_inverse=True)
    return unique, places.reshape(after.shape).astype(np.intp)


def _changed_pictures(clips: ClipSet, pairs: IndexArray, change: Change) -> Iterator[UInt8Array]:
    """The pictures of one video as the network sees them, one by one."""
    for start in range(0, len(pairs), _READ_AT_ONCE):
        some = pairs[start : start + _READ_AT_ONCE]
        frames, places = np.unique(some, return_inverse=True)
        places = places.reshape(-1, 2)
        images = np.asarray(clips.frames[frames])
        drawn = None
        if change.augmentation:
            # The same random draws for each batch of frames: the whole video changes in one way.
            drawn = change.augmentation.drawn(
                change.label, change.random(), len(images), images.shape[1:3]
            )
            images, frames = drawn.images(images[drawn.order]), frames[drawn.order]
        closeups = clips.closeups_between(*frames[places].T)
        if drawn is not None and closeups is not None:
            closeups = drawn.closeups(closeups)
        for number, (before, after) in enumerate(places):
            closeup = None if closeups is None else closeups[number]
            yield network_picture(images[before], images[after], clips.modality, closeup)


def _encode(
    frozen: Any, videos: Iterable[Iterable[UInt8Array]]
) -> Iterator[npt.NDArray[np.float16]]:
    """Features of each video, computed in full batches that may span videos."""
    waiting: list[UInt8Array] = []
    features: list[npt.NDArray[np.float16]] = []
    counts: deque[int] = deque()
    for video in videos:
        counts.append(0)
        for picture in video:
            counts[-1] += 1
            waiting.append(picture)
            if len(waiting) == _ENCODED_AT_ONCE:
                features.extend(_run(frozen, waiting))
                waiting = []
        while counts and counts[0] <= len(features):
            count = counts.popleft()
            yield np.stack(features[:count])
            features = features[count:]
    if waiting:
        features.extend(_run(frozen, waiting))
    for count in counts:
        yield np.stack(features[:count])
        features = features[count:]


def _run(frozen: Any, pictures: list[UInt8Array]) -> npt.NDArray[np.float16]:
    # Keras would compile anew for another batch size.
    padding = [(0, _ENCODED_AT_ONCE - len(pictures)), (0, 0), (0, 0), (0, 0)]
    features = frozen.predict_on_batch(np.pad(np.stack(pictures), padding))[: len(pictures)]
    return np.asarray(features, np.float16)
