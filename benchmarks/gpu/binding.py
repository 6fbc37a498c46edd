"""Do bound buffers gain anything, and features that stay on the device between encoder and head?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from benchmarks.gpu.results import Result, Row, compared
from benchmarks.gpu.sessions import Parts
from rtaction.realtime.bench.model import take_turns
from rtaction.realtime.model.batch_runner import BatchRunner, place_of
from rtaction.realtime.model.session import open_session

PART = "binding"
BATCHES = (1, 8, 32)


def measure_binding(models: list[Parts], device: str, rounds: int) -> Iterator[Result]:
    for model in models:
        encoder = open_session(model.encoder, device, num_threads=1, strict=False)
        head = open_session(model.head, device, num_threads=1, strict=False)
        yield from _copied_or_bound(model, encoder, rounds)
        yield from _through_host_or_not(model, encoder, head, rounds)


def _copied_or_bound(
    model: Parts, encoder: onnxruntime.InferenceSession, rounds: int
) -> Iterator[Result]:
    copied, bound = BatchRunner(encoder, pad=True, bind=False), BatchRunner(encoder, bind=True)
    for batch in BATCHES:
        frames = np.ascontiguousarray(
            np.resize(model.clips(1)[0], (batch, *model.spec.frame_shape))
        )
        ways: dict[str, Callable[[], object]] = {
            "copied by the session": lambda frames=frames: copied.run(frames),  # type: ignore[misc]
            "bound": lambda frames=frames: bound.run(frames),  # type: ignore[misc]
        }
        prefix = f"{model.name}, {batch} frames, each: "
        yield from compared(PART, prefix, take_turns(ways, rounds=rounds), per=batch)


def _through_host_or_not(
    model: Parts,
    encoder: onnxruntime.InferenceSession,
    head: onnxruntime.InferenceSession,
    rounds: int,
) -> Iterator[Result]:
    (clip,) = model.clips(1)
    whole = WindowOnDevice(encoder, head, clip)
    encode, score = BatchRunner(encoder, bind=True), BatchRunner(head, bind=True)
    ways: dict[str, Callable[[], npt.NDArray[Any]]] = {
        "features through host": lambda: score.run(encode.run(clip)[np.newaxis]),
        "features stay on device": lambda: whole.run(clip),
    }
    seconds = take_turns(ways, rounds=rounds)
    first, second = (run() for run in ways.values())
    rows = list(compared(PART, f"{model.name}, window: ", seconds))
    yield rows[0]
    differ = f"scores differ by {np.abs(first - second).max():.1e}"
    yield Row(PART, rows[1].what, rows[1].value, rows[1].unit, rows[1].ratio, differ)


class WindowOnDevice:
    """A whole window, whose features the head reads where the encoder wrote them.

    Args:
        encoder, head: on the same device.
        clip: of the shape to come.
    """

    def __init__(
        self,
        encoder: onnxruntime.InferenceSession,
        head: onnxruntime.InferenceSession,
        clip: npt.NDArray[Any],
    ) -> None:
        place = place_of(encoder)
        self._encoder, self._head = encoder, head
        make = onnxruntime.OrtValue.ortvalue_from_shape_and_type
        self._frames = make(list(clip.shape), clip.dtype, *place)
        self._encoding, self._scoring = encoder.io_binding(), head.io_binding()
        self._encoding.bind_ortvalue_input(encoder.get_inputs()[0].name, self._frames)
        self._encoding.bind_output(encoder.get_outputs()[0].name, *place)
        self._frames.update_inplace(clip)
        self._encoding.synchronize_inputs()
        encoder.run_with_iobinding(self._encoding)
        self._features = self._encoding.get_outputs()[0]
        self._encoding.bind_ortvalue_output(encoder.get_outputs()[0].name, self._features)
        shape = [1, *self._features.shape()]
        self._scoring.bind_input(
            head.get_inputs()[0].name, *place, np.float32, shape, self._features.data_ptr()
        )
        self._scoring.bind_output(head.get_outputs()[0].name)

    def run(self, clip: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Scores, float32 (1, num_labels), of a clip: uint8 (frames, height, width, channels)."""
        self._frames.update_inplace(clip)
        self._encoding.synchronize_inputs()
        self._encoder.run_with_iobinding(self._encoding)
        self._head.run_with_iobinding(self._scoring)
        return np.asarray(self._scoring.copy_outputs_to_cpu()[0])
