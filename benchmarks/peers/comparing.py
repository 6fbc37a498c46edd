"""Time several networks on the same frames, by turns."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.peers.streams import CarryingStream, Stream
from rtaction.arrays import Float32Array
from rtaction.errors import ModelUnreadable, UsageError
from rtaction.realtime.model.action_model import ActionModel
from rtaction.video.motion import network_picture
from rtaction.video.pixels import prepare_image

Clip = Sequence[npt.NDArray[Any]]
"""Frames, each uint8 RGB of shape (height, width, 3)."""


class OwnStream:
    """A model of rtaction's, live: a new frame is encoded once, and the last window scored.

    Until a window is full, it is filled up with the first frame, so that every step costs the same.

    Args:
        path: an ONNX file with a contract, which can be cut.
        num_threads: of the CPU.

    Raises:
        UsageError: it sees people's joints, or windows whole, and so takes no single frames.
    """

    def __init__(self, path: Path, num_threads: int) -> None:
        self._model = ActionModel(path, device="cpu", num_threads=num_threads)
        self._spec = self._model.spec
        if self._spec.follows_people or self._spec.stack or not self._model.is_cut:
            raise UsageError(f"{path} does not take one picture at a time; compare another model")
        self.reset()

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width of what it sees, in pixels."""
        return self._spec.height, self._spec.width

    def reset(self) -> None:
        """Forget all frames."""
        self._features = deque[npt.NDArray[Any]](maxlen=self._spec.frames_per_clip)
        self._before: npt.NDArray[Any] | None = None

    def step(self, image: npt.NDArray[Any]) -> Float32Array:
        """The scores, shape (labels,), after one more frame: uint8 RGB, (height, width, 3)."""
        spec = self._spec
        seen = prepare_image(image, self.size_hw, base=spec.base, resize=spec.resize)
        before = seen if self._before is None else self._before
        self._before = seen
        picture = network_picture(before, seen, spec.modality)
        (feature,) = self._model.encode(picture[np.newaxis])
        missing = spec.frames_per_clip - len(self._features)
        self._features.extend([feature] * max(1, missing))
        scores = self._model.score(np.stack(self._features)[np.newaxis])  # (1, labels)
        return scores.reshape(-1)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one new frame costs.

    Args:
        seconds: of each frame, resizing included.
        processor_seconds: on average, of all threads together.
    """

    seconds: Sequence[float]
    processor_seconds: float

    @property
    def median_seconds(self) -> float:
        """The half of all frames took no longer."""
        return float(np.median(self.seconds))

    @property
    def p95_seconds(self) -> float:
        """Nineteen of twenty frames took no longer."""
        return float(np.percentile(self.seconds, 95))


def compare(streams: Mapping[str, Stream], clips: Sequence[Clip], rounds: int) -> dict[str, Cost]:
    """Give each network all frames of all clips; they take turns, and another one begins each time.

    Args:
        streams: by name.
        clips: at least one. Each network sees the first one once before anything is timed.
        rounds: how often each sees each clip, at least 1.

    Raises:
        ModelUnreadable: a network carries nothing from frame to frame.
    """
    for name, stream in streams.items():
        for image in clips[0]:
            stream.step(image)
        if isinstance(stream, CarryingStream) and not stream.has_changed:
            raise ModelUnreadable(f"{name}: its states stay as they were before the first frame")
    seconds: dict[str, list[float]] = {name: [] for name in streams}
    processor = dict.fromkeys(streams, 0.0)
    order = deque(streams)
    for _ in range(rounds):
        for clip in clips:
            for name in order:
                streams[name].reset()
                processor_began = time.process_time()
                for image in clip:
                    began = time.perf_counter()
                    streams[name].step(image)
                    seconds[name].append(time.perf_counter() - began)
                processor[name] += time.process_time() - processor_began
            order.rotate(1)
    return {name: Cost(seconds[name], processor[name] / len(seconds[name])) for name in streams}
