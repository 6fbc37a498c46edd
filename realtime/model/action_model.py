"""A model file, loaded and split into encoder and head.

The encoder sees one frame at a time, so its features are reused in overlapping windows: a new
window costs one encoder pass per new frame and one pass of the small head. A file that does not
say where to split runs whole: a frame is its own features, and the head is the whole model.
Frames and clips of several cameras may share a pass. This module knows nothing about cameras or
time.
"""

from __future__ import annotations

import os
import re
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from rtaction.arrays import Float32Array
from rtaction.errors import ModelUnreadable, ScoresInvalid
from rtaction.installation import program
from rtaction.models import PEOPLE_MODEL
from rtaction.onnx_format.errors import LOADING_ERRORS
from rtaction.onnx_format.file import OnnxFile
from rtaction.pose.keypoints import NUM_JOINTS
from rtaction.pose.network import CloseNetwork, FindNetwork
from rtaction.pose.people import PoseNetworks
from rtaction.prediction import why_no_scores
from rtaction.realtime.model.batch_runner import BatchRunner
from rtaction.realtime.model.devices import CPU, CUDA, devices_of
from rtaction.realtime.model.parallel_runner import ParallelRunner, Runs
from rtaction.realtime.model.session import (
    name_in_use,
    open_session,
    provider_in_use,
    words_of,
)

# Whole clips are large, and so are the activations they produce.
_WHOLE_CLIPS_AT_ONCE = 8
# For a network with loops, which may have no end; a window that takes longer is of no use live.
_LOOP_SECONDS = 10.0


class ActionModel:
    """A loaded action recogniser.

    Args:
        path: an ONNX file with a contract, as `rtaction export` writes it for any model.
        device: "auto", "cpu", "cuda[:N]", "tensorrt[:N]", "openvino", "coreml" or "directml[:N]".
            Several GPUs, as "cuda:0,1", share the work. Default "auto".
        num_threads: threads of the encoder on the CPU, at least 1. Default: one per core that this
            process may use.

    Raises:
        ModelMissing, ModelUnreadable, ModelSpecError: see `rtaction.errors`.
        UsageError: an unknown device.
        DeviceUnavailable: the device was named and cannot be used.
    """

    def __init__(self, path: Path, *, device: str = "auto", num_threads: int | None = None) -> None:
        self.file = OnnxFile.load(path)
        self.spec = self.file.spec
        # Two threads halve the time of a large model (16 ms against 30 ms). A small one is as fast
        # with one, and because the threads do not spin, the second slows the cameras' decoders by
        # only 3 to 7 percent when those already fill both cores.
        self._num_threads = _num_cores() if num_threads is None else num_threads
        self._devices = devices_of(device)
        self._encoder: Runs | None = None
        if not self.file.is_cut:
            self._head = self._whole = self._open_first(self.file.content)
            return
        boundary = self.file.boundary
        self._encoder = self._open_first(
            self.file.cut([boundary.frames], [boundary.frame_features])
        )
        head = self.file.cut([boundary.clip_features], [self.file.score_name])
        # The head is small, so a second thread makes it slower.
        self._head = self._open_rest(head, 1)

    @property
    def is_cut(self) -> bool:
        """Whether each frame is encoded once; otherwise the model runs whole for each window."""
        return self._encoder is not None

    @property
    def device_in_use(self) -> str:
        """The processor that actually runs the encoder, or the whole model: "CPU", "CUDA" etc."""
        return self._device_in_use

    def encode(self, images: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Features of single frames, from one camera or many.

        Args:
            images: uint8, shape (num_images, height, width, channels), as from `prepare_image`; at
                least one.

        Returns:
            float32, shape (num_images, num_features); the images if the model runs whole.

        Raises:
            DeviceUnavailable: the accelerator failed.
        """
        if self._encoder is None:
            return images
        return self._encoder.run(images)  # (num_images, num_features)

    def score(self, clip_features: npt.NDArray[Any]) -> Float32Array:
        """Scores of clips whose frames are already encoded.

        Args:
            clip_features: shape (num_clips, frames_per_clip, ...), the results of `encode` for the
                frames; at least one clip.

        Returns:
            float32, shape (num_clips, num_labels).

        Raises:
            DeviceUnavailable: the accelerator failed.
            ScoresInvalid: a score is not a number from 0 to 1.
        """
        return self._checked(self._head.run(clip_features), len(clip_features))

    def score_clips(self, clips: npt.NDArray[Any]) -> Float32Array:
        """Scores of whole clips, by the model as it is in the file, without the split.

        Args:
            clips: uint8, shape (num_clips, frames_per_clip, height, width, channels); at least one.

        Returns:
            float32, shape (num_clips, num_labels).

        Raises:
            DeviceUnavailable: the accelerator failed.
            ScoresInvalid: a score is not a number from 0 to 1.
        """
        return self._checked(self._whole.run(clips), len(clips))

    @cached_property
    def pose_networks(self) -> PoseNetworks:
        """The networks that find and follow people, for a model of people: its own pose network,
        and the bundled one that finds people in a whole picture.

        Raises:
            ModelUnreadable: it cannot be cut, or its features are not joints.
        """
        size, reader = self.spec.height, _JointReader(self)
        if not self.is_cut or self.spec.width != size or not self._reads_joints():
            raise ModelUnreadable(
                f"{self.file.where} is a model of people (modality pose), but not from squares to "
                f"17 joints to scores; expected one made by `{program()} teach` or "
                f"`{program()} export`"
            )
        find = open_session(
            PEOPLE_MODEL.read_bytes(),
            self._devices_of_rest[0],
            num_threads=self._num_threads,
            strict=False,
        )
        return PoseNetworks(CloseNetwork(reader, size=size), FindNetwork(find))

    def _reads_joints(self) -> bool:
        blank = np.zeros((1, *self.spec.frame_shape), np.uint8)
        return self.encode(blank).shape == (1, 3 * NUM_JOINTS)

    def _checked(self, scores: Float32Array, num_clips: int) -> Float32Array:
        """Scores that may be shown; one that is not between 0 and 1 would pass for an action."""
        expected = num_clips, len(self.spec.labels)
        if scores.shape != expected:
            why = f"of shape {scores.shape}, not {expected}"
        elif not (why := why_no_scores(scores)):
            return scores
        raise ScoresInvalid(
            f"{self.file.where} gave scores that are {why} (on {self.device_in_use}); export it "
            "again, with --logits if its scores still need a softmax"
        )

    @cached_property
    def _whole(self) -> Runs:
        return self._open_rest(self.file.content, self._num_threads)

    def _open_first(self, content: bytes) -> Runs:
        """Load the encoder, or the whole model, on the wanted devices; this decides where the rest
        may run."""
        sessions = [self._open(content, self._num_threads, one) for one in self._devices]
        names = [name_in_use(session) for session in sessions]
        self._device_in_use = names[0] if len(names) == 1 else f"{names[0]} ({len(names)} GPUs)"
        # If "auto" has fallen back to the CPU, a second attempt would only take time.
        on_cpu = provider_in_use(sessions[0]) == CPU
        self._devices_of_rest = (
            ["cpu"] if on_cpu else list(map(_device_beside, sessions, self._devices))
        )
        max_batch = None if self.file.is_cut else _WHOLE_CLIPS_AT_ONCE
        return _runner_of(sessions, content, max_batch)

    def _open_rest(self, content: bytes, num_threads: int) -> Runs:
        """Load the other parts: these may run wherever their operations can."""
        sessions = [
            self._open(content, num_threads, one, strict=False) for one in self._devices_of_rest
        ]
        return _runner_of(sessions, content)

    def _open(
        self, content: bytes, num_threads: int, device: str, *, strict: bool = True
    ) -> onnxruntime.InferenceSession:
        try:
            return open_session(content, device, num_threads=num_threads, strict=strict)
        except LOADING_ERRORS as error:
            raise ModelUnreadable(
                f"onnxruntime cannot load {self.file.where}: {words_of(error)}"
            ) from None


class _JointReader:
    """The encoder of a model of people, as the session of a pose network."""

    def __init__(self, model: ActionModel) -> None:
        self._model = model

    def run(self, outputs: Any, inputs: dict[str, Any]) -> list[npt.NDArray[Any]]:
        """Joints, float32 (n, 17, 3), of the "pictures", uint8 (n, size, size, 3)."""
        return [self._model.encode(inputs["pictures"]).reshape(-1, NUM_JOINTS, 3)]


def _runner_of(
    sessions: list[onnxruntime.InferenceSession], content: bytes, max_batch: int | None = None
) -> Runs:
    runners = [
        BatchRunner(session, max_batch=max_batch, max_seconds=_longest_run(content))
        for session in sessions
    ]
    return runners[0] if len(runners) == 1 else ParallelRunner(runners)


def _device_beside(session: onnxruntime.InferenceSession, device: str) -> str:
    """Where the rest of a model runs, of which this session has the first part."""
    if device == "auto" and (options := session.get_provider_options().get(CUDA)):
        # Asked again, "auto" might choose another GPU, which has more free memory by now.
        return f"cuda:{options['device_id']}"
    # TensorRT gains nothing on a loop over a few small steps.
    return re.sub("^tensorrt", "cuda", device)


def _longest_run(content: bytes) -> float | None:
    # Scans end with their input. The name of an operation stands in the file as it is.
    return _LOOP_SECONDS if b"Loop" in content else None


def _num_cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
