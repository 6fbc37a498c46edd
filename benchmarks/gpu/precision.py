"""How much faster are TF32, float16 and TensorRT, and do they give the same scores?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from benchmarks.gpu.results import Result, Row, Skipped
from benchmarks.gpu.sessions import Parts, session_on
from rtaction.errors import RtactionError
from rtaction.export.smaller.half import halve
from rtaction.onnx_format.errors import LOADING_ERRORS
from rtaction.realtime.bench.model import take_turns
from rtaction.realtime.model.devices import name_of, providers_for
from rtaction.realtime.model.session import provider_in_use, words_of

PART = "precision"
NUM_CLIPS = 8


@dataclass(frozen=True, slots=True)
class _Way:
    """A precision: the device, whether the file is halved, and options of the provider."""

    name: str
    device: str
    is_half: bool = False
    options: dict[str, Any] = field(default_factory=dict)


def ways_on(device: str) -> list[_Way]:
    """The first is what others are compared with. On the CPU there is only float16 beside it."""
    if device == "cpu":
        return [_Way("float32", "cpu"), _Way("float16", "cpu", is_half=True)]
    number = device.partition(":")[2] or "0"
    tensorrt = f"tensorrt:{number}"
    return [
        _Way("float32", device),
        _Way("TF32", device, options={"use_tf32": True}),
        _Way("float16", device, is_half=True),
        _Way("TensorRT float32", tensorrt),
        _Way("TensorRT float16", tensorrt, options={"trt_fp16_enable": True}),
    ]


def measure_precision(models: list[Parts], device: str, rounds: int) -> Iterator[Result]:
    """Milliseconds for a whole window, and how far its scores are from those in float32."""
    if device == "cpu":
        for name in ("TF32", "TensorRT"):
            yield Skipped(PART, name, "only NVIDIA GPUs have it")
    for model in models:
        clips = model.clips(NUM_CLIPS)
        runs: dict[str, Callable[[], npt.NDArray[Any]]] = {}
        for way in ways_on(device):
            try:
                runs[way.name] = _opened(model, way, clips)
            except (RuntimeError, ValueError, RtactionError, *LOADING_ERRORS) as error:
                yield Skipped(PART, f"{model.name}, {way.name}", words_of(error))
        if "float32" not in runs:
            continue
        expected = runs["float32"]()
        seconds = take_turns(runs, rounds=rounds)
        for name, each in seconds.items():
            found = runs[name]()
            same = np.mean(found.argmax(axis=1) == expected.argmax(axis=1))
            note = f"scores differ by {np.abs(found - expected).max():.1e}, labels agree {same:.0%}"
            is_first = name == "float32"
            yield Row(
                PART,
                f"{model.name}, window of {NUM_CLIPS}: {name}",
                each / NUM_CLIPS * 1000,
                "ms",
                None if is_first else each / seconds["float32"],
                "" if is_first else note,
            )


def _opened(model: Parts, way: _Way, clips: npt.NDArray[Any]) -> Callable[[], npt.NDArray[Any]]:
    content = halve(model.file.content) if way.is_half else model.file.content
    providers = providers_for(way.device)
    session: onnxruntime.InferenceSession = session_on(content, providers, **way.options)
    if (used := provider_in_use(session)) != providers[0][0]:
        raise RuntimeError(f"it runs on {name_of(used)}")
    name = session.get_inputs()[0].name
    return lambda: np.asarray(session.run(None, {name: clips})[0])
