"""Random changes of clips, drawn anew each time a clip is used and the same for all its frames.

A person who is a little nearer, to the left, tilted, faster or in other light does the same thing;
a network that has seen few people must learn this. This module knows nothing about videos or
networks.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from rtaction.arrays import Float64Array, UInt8Array
from rtaction.errors import UsageError
from rtaction.opencv import cv2
from rtaction.sampling import frame_interval_seconds
from rtaction.train.choices import Strength
from rtaction.train.data.clip_change import ClipChange


@dataclass(frozen=True)
class Augmentation:
    """The possible changes of a clip. All amounts are maxima; each clip draws its own.

    Args:
        flip: probability of a horizontal flip. Default 0.5.
        keep_sides: labels that are never flipped, because left and right differ in them. Default
            none.
        shift: translation, as a fraction of the frame. Default 0.08.
        scale: zoom in or out, as a fraction. Default 0.12.
        rotation_degrees: rotation. Default 6.0.
        brightness: change of brightness, as a fraction of white. Default 0.12.
        contrast: change of contrast, as a fraction. Default 0.2.
        noise: probability of sensor noise, of up to 6 gray values. Default 0.3.
        jpeg: probability of coarse JPEG compression, as cameras use. Default 0.2.
        dropped_frame: probability that one frame is replaced by the one before. Default 0.1.
        speed: slower or faster, as a fraction; see `moments`. Default 0.1.
        jitter: distance of each frame from its moment, as a fraction of the frame interval; see
            `moments`. Default 0.2.

    Raises:
        UsageError: a value is out of range.
    """

    flip: float = 0.5
    keep_sides: tuple[str, ...] = field(default=())
    shift: float = 0.08
    scale: float = 0.12
    rotation_degrees: float = 6.0
    brightness: float = 0.12
    contrast: float = 0.2
    noise: float = 0.3
    jpeg: float = 0.2
    dropped_frame: float = 0.1
    speed: float = 0.1
    jitter: float = 0.2

    def __post_init__(self) -> None:
        for name in ("flip", "noise", "jpeg", "dropped_frame"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name} must be a probability, got {getattr(self, name)}")
        for name, highest in (
            ("shift", 0.5),
            ("scale", 0.5),
            ("rotation_degrees", 180.0),
            ("brightness", 1.0),
            ("contrast", 1.0),
            ("speed", 0.5),
            ("jitter", 0.5),  # with more, two moments could change places
        ):
            if not 0 <= getattr(self, name) <= highest:
                raise UsageError(f"{name} must be from 0 to {highest:g}, got {getattr(self, name)}")

    @classmethod
    def of(cls, strength: Strength, *, keep_sides: tuple[str, ...] = ()) -> Augmentation | None:
        """A named set of amounts; None for "none"."""
        if strength == "none":
            return None
        if strength == "light":
            return cls(keep_sides=keep_sides)
        return cls(
            keep_sides=keep_sides,
            shift=0.15,
            scale=0.25,
            rotation_degrees=12.0,
            brightness=0.25,
            contrast=0.4,
            noise=0.5,
            jpeg=0.4,
            dropped_frame=0.25,
            speed=0.2,
            jitter=0.4,
        )

    @classmethod
    def nothing(cls) -> Augmentation:
        """No changes, where only the moments of a clip are to be drawn."""
        return cls(
            flip=0.0,
            shift=0.0,
            scale=0.0,
            rotation_degrees=0.0,
            brightness=0.0,
            contrast=0.0,
            noise=0.0,
            jpeg=0.0,
            dropped_frame=0.0,
            speed=0.0,
            jitter=0.0,
        )

    def moments(
        self, times_seconds: Float64Array, random: np.random.Generator, *, keep_ends: bool = False
    ) -> Float64Array:
        """Changed moments for the frames of a clip: stretched about its middle, and jittered.

        Args:
            times_seconds: float64, shape (frames_per_clip,), increasing: the original moments.
            random: draws the amounts; the same state gives the same moments.
            keep_ends: the clip spans its whole video, so it is not stretched. Default False.

        Returns:
            float64, shape (frames_per_clip,), non-decreasing.
        """
        # Everything is drawn, needed or not, as in `apply`.
        stretch = random.uniform(-1, 1) * self.speed * (not keep_ends)
        moves = random.uniform(-1, 1, len(times_seconds)) * self.jitter
        first, last = float(times_seconds[0]), float(times_seconds[-1])
        interval_seconds = frame_interval_seconds(len(times_seconds), last - first)
        middle = (first + last) / 2
        moments = middle + (times_seconds - middle) * (1 + stretch) + moves * interval_seconds
        # Frames of a slow camera are unevenly spaced: near neighbours must not change places.
        return np.maximum.accumulate(moments)

    def apply(
        self,
        clip: UInt8Array,
        label: str,
        random: np.random.Generator,
        *,
        together: int | None = None,
    ) -> UInt8Array:
        """A changed copy of a clip.

        Args:
            clip: uint8, shape (frames_per_clip, height, width, channels); not modified.
            label: its label.
            random: draws the amounts; the same state gives the same clip.
            together: see `drawn`.

        Returns:
            uint8, of the same shape.
        """
        change = self.drawn(label, random, len(clip), clip.shape[1:3], together=together)
        return change.images(clip[change.order])

    def drawn(
        self,
        label: str,
        random: np.random.Generator,
        num_frames: int,
        size_hw: tuple[int, ...],
        *,
        together: int | None = None,
    ) -> ClipChange:
        """The change of one clip.

        Args:
            label: its label.
            random: draws the amounts, and later the noise.
            num_frames: of the clip.
            size_hw: of its frames.
            together: so many frames, at least 2, belong together; a dropped frame is replaced by
                one of its own. Default None: all of them.
        """
        # Everything is drawn, needed or not, so that changing one amount leaves the others as is.
        is_flipped = random.random() < self.flip and label not in self.keep_sides
        matrix = self._matrix(size_hw, random, is_flipped=is_flipped)
        levels = self._levels(random)
        noise_deviation = random.uniform(0.0, 6.0) * (random.random() < self.noise)
        quality = int(random.integers(25, 80))
        is_coarse = random.random() < self.jpeg
        lost = int(random.integers(1, max(num_frames, 2)))
        if together is not None and lost % together == 0:
            lost += 1
        order = np.arange(num_frames)
        if random.random() < self.dropped_frame and num_frames > 1:
            order[lost] = lost - 1
        return ClipChange(
            order, matrix, levels, noise_deviation, quality if is_coarse else None, random
        )

    def _matrix(
        self, size_hw: tuple[int, ...], random: np.random.Generator, *, is_flipped: bool
    ) -> npt.NDArray[np.float64]:
        """The affine map, float64 (2, 3), from the original to the changed frame."""
        height, width = size_hw
        angle, zoom = random.uniform(-1, 1, 2) * (self.rotation_degrees, self.scale)
        shift_xy = random.uniform(-1, 1, 2) * self.shift * (width, height)
        centre = ((width - 1) / 2, (height - 1) / 2)
        matrix = np.asarray(cv2.getRotationMatrix2D(centre, angle, 1.0 + zoom), np.float64)
        matrix[:, 2] += shift_xy
        if is_flipped:
            matrix[0] = -matrix[0]
            matrix[0, 2] += width - 1
        return matrix

    def _levels(self, random: np.random.Generator) -> UInt8Array:
        """Lookup table of gray values: uint8 (256,)."""
        gain = 1.0 + random.uniform(-1, 1) * self.contrast
        offset = random.uniform(-1, 1) * self.brightness * 255
        levels = (np.arange(256) - 127.5) * gain + 127.5 + offset
        return np.clip(np.round(levels), 0, 255).astype(np.uint8)
