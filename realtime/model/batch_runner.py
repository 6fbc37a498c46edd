"""One onnxruntime session, run on batches of varying size. It knows nothing about frames."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from rtaction.arrays import Float32Array
from rtaction.errors import DeviceUnavailable, ModelUnreadable
from rtaction.installation import program
from rtaction.onnx_format.errors import LOADING_ERRORS, RUNNING_ERRORS
from rtaction.onnx_format.timed import run_within
from rtaction.realtime.model.devices import COREML, CUDA, DIRECTML, MAX_BATCH, TENSORRT
from rtaction.realtime.model.session import name_in_use, words_of

_BOUND = (CUDA, TENSORRT)
# On these, a new shape costs a search, a compilation or new buffers.
_PADDED = (CUDA, TENSORRT, COREML, DIRECTML)


@dataclass(slots=True, eq=False)
class _Buffers:
    """The buffers for one input shape, allocated once.

    Args:
        padded: the input on the host, padded to the shape that is run.
        on_device: the input on the session's device; None if the session copies it itself.
        binding: binds `on_device` and `output` to the session.
        output: holds the results; None until the first run has shown their shape.
    """

    padded: npt.NDArray[Any]
    on_device: onnxruntime.OrtValue | None = None
    binding: onnxruntime.IOBinding | None = None
    output: onnxruntime.OrtValue | None = None


class BatchRunner:
    """Runs a network with one input and one output on batches of varying size.

    On a processor where each new shape is expensive, a batch is padded to the next power of two and
    split above `MAX_BATCH`; on an NVIDIA GPU, input and output also stay in the same device memory
    from call to call. A network with a fixed batch size of 1 gets one item at a time. `run` is
    thread-safe.

    Args:
        session: the network; its first dimensions are the batch, free or 1.
        max_batch: largest batch. Default None: `MAX_BATCH` if batches are padded, otherwise no
            limit.
        pad: pad batches. Default None: if the processor needs it, which the CPU does not.
        bind: keep input and output in buffers on the processor; implies `pad`. Default None: on
            CUDA and TensorRT. On the CPU it gains nothing (0.46 ms against 0.47 ms).
        max_seconds: the longest that a run may take on the CPU; Ctrl-C and signals are heard
            meanwhile. Default None: no limit, for a network that cannot run for ever.
    """

    def __init__(
        self,
        session: onnxruntime.InferenceSession,
        *,
        max_batch: int | None = None,
        pad: bool | None = None,
        bind: bool | None = None,
        max_seconds: float | None = None,
    ) -> None:
        provider = session.get_providers()[0]
        self._session = session
        self._input = session.get_inputs()[0].name
        self._output = session.get_outputs()[0].name
        self._bind = provider in _BOUND if bind is None else bind
        self._pad = self._bind or (provider in _PADDED if pad is None else pad)
        self._place = place_of(session)
        self._max_seconds = max_seconds
        takes_one = session.get_inputs()[0].shape[:1] == [1]
        self._max_batch = 1 if takes_one else max_batch or (MAX_BATCH if self._pad else None)
        self._buffers: dict[tuple[int, ...], _Buffers] = {}
        # The buffers serve one call at a time, and so does a DirectML session.
        self._lock = threading.Lock()

    def run(self, values: npt.NDArray[Any]) -> Float32Array:
        """Run the network.

        Args:
            values: the input, shape (batch, ...), at least one item.

        Returns:
            float32, shape (batch, ...), a new array.

        Raises:
            DeviceUnavailable: the accelerator failed.
            ModelUnreadable: on the CPU: the model cannot take this input, or is inconsistent.
        """
        step = self._max_batch or len(values)
        parts = [values[start : start + step] for start in range(0, len(values), step)]
        if self._pad:
            with self._lock:
                results = self._run_parts(self._run_padded, parts)
        else:
            results = self._run_parts(self._run_as_it_is, parts)
        return results[0] if len(results) == 1 else np.concatenate(results)

    def _run_parts(
        self, run: Callable[[npt.NDArray[Any]], Float32Array], parts: list[npt.NDArray[Any]]
    ) -> list[Float32Array]:
        # On the CPU only the model can be at fault.
        errors = RUNNING_ERRORS if self._pad else LOADING_ERRORS
        try:
            return [run(part) for part in parts]
        except errors as error:
            if not self._pad:
                raise ModelUnreadable(
                    f"the model failed while it ran: {words_of(error)}; export it again, or check "
                    f"it with `{program()} inspect`"
                ) from None
            raise DeviceUnavailable(
                f"{name_in_use(self._session)} failed while the model ran: {words_of(error)}; "
                "start again, or use --device cpu"
            ) from None

    def _run_as_it_is(self, values: npt.NDArray[Any]) -> Float32Array:
        feeds = {self._input: values}
        if self._max_seconds is None:
            (result,) = self._session.run(None, feeds)
        else:
            (result,) = run_within(
                self._session, None, feeds, seconds=self._max_seconds, where="the model"
            )
        return np.asarray(result, dtype=np.float32)

    def _run_padded(self, values: npt.NDArray[Any]) -> Float32Array:
        num_wanted = len(values)
        shape = (padded_length(num_wanted), *values.shape[1:])
        buffers = self._buffers.get(shape)
        if buffers is None:
            buffers = self._buffers[shape] = self._make_buffers(shape, values.dtype)
        if num_wanted < shape[0]:
            # Rows left from an earlier, larger batch are run too, and cut off afterwards.
            buffers.padded[:num_wanted] = values
            values = buffers.padded
        if buffers.binding is None:
            return self._run_as_it_is(values)[:num_wanted]
        return self._run_bound(buffers, values)[:num_wanted].copy()

    def _run_bound(self, buffers: _Buffers, values: npt.NDArray[Any]) -> Float32Array:
        """Run in the buffers; the result may be a view of them, valid until the next run."""
        assert buffers.binding is not None
        assert buffers.on_device is not None
        buffers.on_device.update_inplace(values)
        # The session runs in a stream of its own, which waits for no copy. One from pageable memory
        # returns once it is staged, not once it has arrived: onnxruntime itself waits for that in
        # some releases only, this does in all (microsoft/onnxruntime#9823).
        buffers.binding.synchronize_inputs()
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


def place_of(session: onnxruntime.InferenceSession) -> tuple[str, int]:
    """Kind and number of the memory of a session's preferred provider."""
    provider = session.get_providers()[0]
    if provider not in _BOUND:
        return "cpu", 0
    return "cuda", int(session.get_provider_options()[provider].get("device_id", 0))
