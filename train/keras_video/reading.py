"""The frames of a generator's clips: cut from decoded videos, or read by a subclass itself."""

from __future__ import annotations

import inspect
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rtaction.arrays import Float32Array, UInt8Array
from rtaction.errors import DatasetError
from rtaction.labelled.videos import Video
from rtaction.model_spec import ModelSpec
from rtaction.opencv import cv2
from rtaction.train.data.clip_reading import read_clip_set
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.keras_video.transformed import require, transformed

_log = logging.getLogger(__name__)


class ReadsVideos(ABC):
    """What `VideoFrameGenerator` knows of frames; its attributes are described there."""

    rescale: float
    files: list[str]
    target_shape: tuple[int, int]
    nb_channel: int
    transformation: Any
    use_frame_cache: bool
    use_video_header: bool
    _label_of_file: dict[str, str]
    _sets: list[ClipSet]
    _clips: list[tuple[int, int]]  # index of the set, index of its clip
    _kept: dict[int, Any]
    _transforms: dict[int, Any]

    @property
    @abstractmethod
    def spec(self) -> ModelSpec:
        """Timing and size of the clips."""

    def _file(self, number: int) -> str:
        """The video of a clip."""
        which, clip = self._clips[number]
        if not self._sets:
            return self.files[which]
        return str(self._sets[which].videos[self._sets[which].clip_videos[clip]].path)

    def _images(self, number: int) -> UInt8Array:
        which, clip = self._clips[number]
        images: UInt8Array = self._sets[which].images([clip])[0]
        return images

    def _clip(self, number: int) -> Float32Array:
        """A clip as the network sees it: float32 (nb_frames, height, width, nb_channel)."""
        images = self._once(number, self._images)
        drawn = self._transforms.get(number)
        changed = transformed(self.transformation, drawn, images.astype(np.float32))
        pictures = self._pictures(_as_uint8(changed))
        return pictures.astype(np.float32) * np.float32(self.rescale)

    def _own_clip(self, number: int) -> Float32Array | None:
        """The same of frames that `_get_frames` of a subclass has read; None if there are none."""
        frames = self._once(number, self._own_frames)
        if frames is None:
            return None
        changed = transformed(self.transformation, self._transforms.get(number), frames)
        if self.spec.shows_motion:
            pictures = self._pictures(self._as_base(_as_uint8(changed / self.rescale)))
            changed = pictures.astype(np.float32) * np.float32(self.rescale)
        return changed

    def _own_frames(self, number: int) -> Float32Array | None:
        file, needed = self._file(number), self.spec.frames_per_window
        # Older versions of the package passed three arguments.
        named = {"force_no_headers"} & set(inspect.signature(self._get_frames).parameters)
        options = dict.fromkeys(named, not self.use_video_header)
        found = self._get_frames(file, needed, self.target_shape, **options)
        if found is None:
            _log.warning("skipped %s: _get_frames gave nothing", file)
            return None
        frames = np.asarray(found, np.float32)
        shape = (needed, *self.target_shape, self.nb_channel)
        require(frames.shape == shape, f"_get_frames must give {shape}, got {frames.shape}: {file}")
        return frames

    def _as_base(self, frames: UInt8Array) -> UInt8Array:
        """Frames in the colours that motion is computed from."""
        if self.spec.base == "rgb":
            return np.broadcast_to(frames, (*frames.shape[:3], 3))
        if frames.shape[3] == 1:
            return frames
        return np.stack([cv2.cvtColor(one, cv2.COLOR_RGB2GRAY) for one in frames])[..., None]

    def _once(self, number: int, read: Callable[[int], Any]) -> Any:
        """What was read for a clip, from memory if `use_frame_cache`."""
        if not self.use_frame_cache:
            return read(number)
        if number not in self._kept:
            self._kept[number] = read(number)
        return self._kept[number]

    @property
    def _reads_itself(self) -> bool:
        return type(self)._get_frames is not ReadsVideos._get_frames

    def _get_frames(
        self, video: str, nbframe: int, shape: tuple[int, int], force_no_headers: bool = False
    ) -> Any:
        """Read a video; a subclass may do it otherwise.

        Args:
            video: the file.
            nbframe: number of frames to return.
            shape: height and width of them.
            force_no_headers: whether the header's number of frames must not be used; it never is.
                Default False.

        Returns:
            float32, shape (nbframe, *shape, nb_channel), rescaled; None to leave the video out.
        """
        modality = "rgb" if self.nb_channel == 3 else "gray"
        spec = replace(self.spec, frames_per_clip=nbframe, modality=modality)
        spec = replace(spec, height=shape[0], width=shape[1])
        one = Video(Path(video), self._label_of_file[video], video)
        try:
            clips = read_clip_set([one], spec, need_every_label=False)
        except DatasetError:
            return None  # the warning says why
        return clips.images([0])[0].astype(np.float32) * np.float32(self.rescale)

    def _pictures(self, images: UInt8Array) -> UInt8Array:
        """What the network sees of a clip's frames."""
        return images


def _as_uint8(frames: Float32Array) -> UInt8Array:
    return np.asarray(np.clip(np.rint(frames), 0, 255), np.uint8)
