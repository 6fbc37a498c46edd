"""A model file, loaded and cut into encoder and head.

The encoder sees one picture at a time, so its features can be kept while windows overlap: a new
window costs one encoder pass for each new picture and one pass of the small head. Pictures and
clips of several cameras may share a pass. This file knows nothing of cameras or of time.
"""

from __future__ import annotations

import os
import re
import threading
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from rtaction.errors import DeviceUnavailable, ModelUnreadable
from rtaction.onnx_file import OnnxFile
from rtaction.realtime.devices import COREML, CPU, CUDA, DIRECTML, MAX_BATCH, TENSORRT
from rtaction.realtime.session import (
    LOADING_ERRORS,
    RUNNING_ERRORS,
    name_in_use,
    open_session,
    provider_in_use,
    words_of,
)

FloatArray = npt.NDArray[np.float32]

_BOUND = (CUDA, TENSORRT)
# A shape seen for the first time costs these a search, a compilation or new buffers.
_PADDED = (CUDA, TENSORRT, COREML, DIRECTML)


class ActionModel:
    """A recogniser of actions.

    Args:
        path: an ONNX file made by `rtaction export`.
        device: "auto", "cpu", "cuda[:N]", "tensorrt[:N]", "openvino", "coreml" or "directml[:N]".
            Default "auto".
        num_threads: threads of the encoder on the CPU, at least 1. Default: one for each core that
            this process may use.

    Raises:
        ModelMissing, ModelUnreadable, ModelSpecError: see `rtaction.errors`.
        UsageError: another device.
        DeviceUnavailable: a named device cannot be had.
    """

    def __init__(self, path: Path, *, device: str = "auto", num_threads: int | None = None) -> None:
        self.file = OnnxFile.load(path)
        self.spec = self.file.spec
        # Two threads halve the time of a big network (16 ms against 30 ms); a small one is as fast
        # with one, and as the threads do not spin, the second costs the cameras' decoders next to
        # nothing (3 to 7 percent where they already fill both cores).
        self._num_threads = _num_cores() if num_threads is None else num_threads
        self._device = device
        boundary = self.file.boundary
        encoder = self._open(
            self.file.cut([boundary.frames], [boundary.frame_features]), self._num_threads
        )
        self._device_in_use = name_in_use(encoder)
        self._encoder = BatchRunner(encoder)
        # A loop over a few small steps is no work for TensorRT; and where "auto" has come down to
        # the CPU, a second try would only take time.
        on_cpu = provider_in_use(encoder) == CPU
        self._device_of_rest = "cpu" if on_cpu else re.sub("^tensorrt", "cuda", device)
        score_name = self.file.outputs[0].split(":")[0]
        # A second thread makes the head slower; it is small.
        self._head = self._open_rest(self.file.cut([boundary.clip_features], [score_name]), 1)

    @property
    def device_in_use(self) -> str:
        """The processor that really runs the encoder: "CPU", "CUDA" and so on."""
        return self._device_in_use

    def encode(self, images: npt.NDArray[Any]) -> FloatArray:
        """Features of single pictures, from one camera or from many.

        Args:
            images: uint8, shape (num_images, height, width, channels), as `prepare_image` gives; at
                least one.

        Returns:
            float32, shape (num_images, num_features).

        Raises:
            DeviceUnavailable: the accelerator failed.
        """
        return self._encoder.run(images)  # (num_images, num_features)

    def score(self, clip_features: npt.NDArray[Any]) -> FloatArray:
        """Scores of clips whose pictures are already encoded.

        Args:
            clip_features: float32, shape (num_clips, frames_per_clip, num_features); at least one
                clip.

        Returns:
            float32, shape (num_clips, num_labels).

        Raises:
            DeviceUnavailable: the accelerator failed.
        """
        return self._head.run(clip_features)  # (num_clips, num_labels)

    def score_clips(self, clips: npt.NDArray[Any]) -> FloatArray:
        """Scores of whole clips, by the model as it stands in the file, uncut.

        Args:
            clips: uint8, shape (num_clips, frames_per_clip, height, width, channels); at least one.

        Returns:
            float32, shape (num_clips, num_labels).

        Raises:
            DeviceUnavailable: the accelerator failed.
        """
        return self._whole.run(clips)  # (num_clips, num_labels)

    @cached_property
    def _whole(self) -> BatchRunner:
        return self._open_rest(self.file.content, self._num_threads)

    def _open_rest(self, content: bytes, num_threads: int) -> BatchRunner:
        """Load what the person does not watch: it may run where its operations can."""
        return BatchRunner(self._open(content, num_threads, self._device_of_rest, strict=False))

    def _open(
        self, content: bytes, num_threads: int, device: str | None = None, *, strict: bool = True
    ) -> onnxruntime.InferenceSession:
        try:
            return open_session(
                content, device or self._device, num_threads=num_threads, strict=strict
            )
        except LOADING_ERRORS as error:
            raise ModelUnreadable(
                f"onnxruntime cannot load {self.file.where}: {words_of(error)}"
            ) from None


@dataclass(slots=True, eq=False)
class _Buffers:
    """What one shape of input is run with, made once.

    Args:
        padded: the input on the host, of the shape that is run.
        on_device: the input where the session wants it; None where the session copies by itself.
        binding: what ties `on_device` and `output` to the session.
        output: where the results go; None until the first run has told their shape.
    """

    padded: npt.NDArray[Any]
    on_device: onnxruntime.OrtValue | None = None
    binding: onnxruntime.IOBinding | None = None
    output: onnxruntime.OrtValue | None = None


class BatchRunner:
    """Runs a network of one input and one output on batches of varying size.

    On a processor to which each new shape is dear, a batch is padded to the next power of two and
    split above `MAX_BATCH`; on an NVIDIA GPU input and output also keep their places in its memory
    from call to call. Any thread may call `run`.

    Args:
        session: the network; its first dimensions are the batch.
        pad: Default None: where the processor needs it, which the CPU does not.
        bind: keep input and output in buffers on the processor; pads too. Default None: on CUDA
            and TensorRT. On the CPU it gains nothing (0.46 ms against 0.47 ms).
    """

    def __init__(
        self,
        session: onnxruntime.InferenceSession,
        *,
        pad: bool | None = None,
        bind: bool | None = None,
    ) -> None:
        provider = session.get_providers()[0]
        self._session = session
        self._input = session.get_inputs()[0].name
        self._output = session.get_outputs()[0].name
        self._bind = provider in _BOUND if bind is None else bind
        self._pad = self._bind or (provider in _PADDED if pad is None else pad)
        self._place = _place_of(session)
        self._buffers: dict[tuple[int, ...], _Buffers] = {}
        # The buffers are for one call at a time, and so is a session on DirectML.
        self._lock = threading.Lock()

    def run(self, values: npt.NDArray[Any]) -> FloatArray:
        """The network's output.

        Args:
            values: what the network takes, shape (batch, ...), at least one.

        Returns:
            float32, shape (batch, ...), an array of its own.

        Raises:
            DeviceUnavailable: the accelerator failed.
        """
        if not self._pad:
            return self._run_as_it_is(values)
        parts = [values[start : start + MAX_BATCH] for start in range(0, len(values), MAX_BATCH)]
        with self._lock:
            try:
                results = [self._run_padded(part) for part in parts]
            except RUNNING_ERRORS as error:
                raise DeviceUnavailable(
                    f"{name_in_use(self._session)} failed while the model ran: {words_of(error)}; "
                    "start again, or use --device cpu"
                ) from None
        return results[0] if len(results) == 1 else np.concatenate(results)

    def _run_as_it_is(self, values: npt.NDArray[Any]) -> FloatArray:
        (result,) = self._session.run(None, {self._input: values})
        return np.asarray(result, dtype=np.float32)

    def _run_padded(self, values: npt.NDArray[Any]) -> FloatArray:
        num_wanted = len(values)
        shape = (padded_length(num_wanted), *values.shape[1:])
        buffers = self._buffers.get(shape)
        if buffers is None:
            buffers = self._buffers[shape] = self._make_buffers(shape, values.dtype)
        if num_wanted < shape[0]:
            # What an earlier batch left behind the end is run too, and cut off again.
            buffers.padded[:num_wanted] = values
            values = buffers.padded
        if buffers.binding is None:
            return self._run_as_it_is(values)[:num_wanted]
        return self._run_bound(buffers, values)[:num_wanted].copy()

    def _run_bound(self, buffers: _Buffers, values: npt.NDArray[Any]) -> FloatArray:
        """Run in the buffers; the result may be a view of them, and hold until the next run."""
        assert buffers.binding is not None
        assert buffers.on_device is not None
        buffers.on_device.update_inplace(values)
        self._session.run_with_iobinding(buffers.binding)
        if buffers.output is None:
            buffers.output = buffers.binding.get_outputs()[0]
            buffers.binding.bind_ortvalue_output(self._output, buffers.output)
        return np.asarray(buffers.output.numpy(), dtype=np.float32)

    def _make_buffers(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> _Buffers:
        padded = np.zeros(shape, dtype)
        if not self._bind:
            return _Buffers(padded)
        on_device = onnxruntime.OrtValue.ortvalue_from_shape_and_type(
            list(shape), padded.dtype, *self._place
        )
        binding = self._session.io_binding()
        binding.bind_ortvalue_input(self._input, on_device)
        binding.bind_output(self._output, *self._place)
        return _Buffers(padded, on_device, binding)


def padded_length(num_wanted: int) -> int:
    """The next power of two: for 1, 2, 3, 5 it is 1, 2, 4, 8."""
    return 1 << (num_wanted - 1).bit_length()


def _place_of(session: onnxruntime.InferenceSession) -> tuple[str, int]:
    """Kind and number of the memory that a session's preferred provider works in."""
    provider = session.get_providers()[0]
    if provider not in _BOUND:
        return "cpu", 0
    return "cuda", int(session.get_provider_options()[provider].get("device_id", 0))


def _num_cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
