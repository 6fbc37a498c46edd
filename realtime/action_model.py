"""A model file, loaded and cut into encoder and head.

The encoder sees one picture at a time, so its features can be kept while windows overlap: a new
window costs one encoder pass for each new picture and one pass of the small head. This file knows
nothing of cameras or of time.
"""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from rtaction.errors import ModelUnreadable
from rtaction.onnx_file import OnnxFile
from rtaction.realtime.devices import LOADING_ERRORS, name_in_use, open_session

FloatArray = npt.NDArray[np.float32]


class ActionModel:
    """A recogniser of actions.

    Args:
        path: an ONNX file made by `rtaction export`.
        device: "auto", "cpu", "cuda" or "cuda:N". Default "auto".

    Raises:
        ModelMissing, ModelUnreadable, ModelSpecError: see `rtaction.errors`.
        DeviceUnavailable: a named device cannot be had.
    """

    def __init__(self, path: Path, *, device: str = "auto") -> None:
        self.file = OnnxFile.load(path)
        self.spec = self.file.spec
        self._device = device
        boundary = self.file.boundary
        score_name = self.file.outputs[0].split(":")[0]
        num_threads = _num_cores()
        self._encoder = self._open(
            self.file.cut([boundary.frames], [boundary.frame_features]), num_threads
        )
        # Two sessions that both spin on all cores slow each other; the head is small.
        self._head = self._open(self.file.cut([boundary.clip_features], [score_name]), 1)

    @property
    def device_in_use(self) -> str:
        """The processor that really runs the encoder: "CPU", "CUDA" and so on."""
        return name_in_use(self._encoder)

    def encode(self, images: npt.NDArray[Any]) -> FloatArray:
        """Features of single pictures.

        Args:
            images: uint8, shape (num_images, height, width, channels), as `prepare_image` gives.

        Returns:
            float32, shape (num_images, num_features).
        """
        return _run(self._encoder, images)  # (num_images, num_features)

    def score(self, clip_features: npt.NDArray[Any]) -> FloatArray:
        """Scores of clips whose pictures are already encoded.

        Args:
            clip_features: float32, shape (num_clips, frames_per_clip, num_features).

        Returns:
            float32, shape (num_clips, num_labels).
        """
        return _run(self._head, clip_features)  # (num_clips, num_labels)

    def score_clips(self, clips: npt.NDArray[Any]) -> FloatArray:
        """Scores of whole clips, by the model as it stands in the file, uncut.

        Args:
            clips: uint8, shape (num_clips, frames_per_clip, height, width, channels).

        Returns:
            float32, shape (num_clips, num_labels).
        """
        return _run(self._whole, clips)  # (num_clips, num_labels)

    @cached_property
    def _whole(self) -> onnxruntime.InferenceSession:
        return self._open(self.file.content, _num_cores())

    def _open(self, content: bytes, num_threads: int) -> onnxruntime.InferenceSession:
        try:
            return open_session(content, self._device, num_threads=num_threads)
        except LOADING_ERRORS as error:
            reason = str(error).splitlines()[0]
            raise ModelUnreadable(f"onnxruntime cannot load {self.file.where}: {reason}") from None


def _run(session: onnxruntime.InferenceSession, values: npt.NDArray[Any]) -> FloatArray:
    (result,) = session.run(None, {session.get_inputs()[0].name: values})
    return np.asarray(result, dtype=np.float32)


def _num_cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
