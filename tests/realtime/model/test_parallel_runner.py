"""Several processors give what one gives, and work at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from rtaction.arrays import Float32Array
from rtaction.realtime.model import action_model
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.model.batch_runner import BatchRunner
from rtaction.realtime.model.parallel_runner import ParallelRunner
from rtaction.realtime.model.session import open_session
from tests.realtime.servers.network import SPEC, write_network

Values = npt.NDArray[Any]


class Doubling:
    """Runs a network that doubles, and notes how many items it was given at once."""

    def __init__(self, before: Callable[[], object] = lambda: None) -> None:
        self.sizes: list[int] = []
        self._before = before

    def run(self, values: Values) -> Float32Array:
        self.sizes.append(len(values))
        self._before()
        return np.asarray(values * 2, np.float32)


@pytest.mark.parametrize(
    ("num_items", "expected"), [(1, [1]), (7, [7]), (8, [4, 4]), (11, [5, 6]), (40, [13, 13, 14])]
)
def test_a_large_batch_is_split(num_items: int, expected: list[int]) -> None:
    meet = threading.Barrier(len(expected), timeout=10.0)
    runners = [Doubling(meet.wait) for _ in range(3)]

    found = ParallelRunner(runners).run(np.arange(num_items))

    assert found.tolist() == [2.0 * number for number in range(num_items)]
    assert sorted(size for one in runners for size in one.sizes) == expected


def test_small_batches_of_several_threads_are_spread() -> None:
    meet = threading.Barrier(2, timeout=10.0)  # breaks unless both work at once
    runners = [Doubling(meet.wait) for _ in range(2)]
    runner = ParallelRunner(runners)

    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(runner.run, [np.array([1]), np.array([2])]))

    assert [one.tolist() for one in found] == [[2.0], [4.0]]
    assert [one.sizes for one in runners] == [[1], [1]]


def test_who_fails_is_heard_and_asked_again() -> None:
    def fail() -> None:
        raise RuntimeError("no memory")

    failing = Doubling(fail)
    runner = ParallelRunner([failing])

    for _ in range(2):
        with pytest.raises(RuntimeError, match="no memory"):
            runner.run(np.arange(8))
    assert failing.sizes == [8, 8]


def test_a_network_on_two_processors(tmp_path: Path) -> None:
    model = ActionModel(write_network(tmp_path / "network.onnx"), device="cpu")
    content = model.file.cut([model.file.boundary.frames], [model.file.boundary.frame_features])
    sessions = [open_session(content, "cpu", num_threads=1) for _ in range(2)]
    images = np.random.default_rng(0).integers(0, 256, (21, *SPEC.frame_shape), np.uint8)

    found = ParallelRunner([BatchRunner(one, bind=True) for one in sessions]).run(images)

    assert np.abs(found - model.encode(images)).max() < 1e-5
    assert np.ptp(found, axis=0).max() > 1e-3


def test_a_model_on_several_devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def open_on_cpu(content: bytes, device: str, **options: Any) -> Any:
        opened.append(device)
        return open_session(content, "cpu", **options)

    path = write_network(tmp_path / "network.onnx")
    one = ActionModel(path, device="cpu")
    monkeypatch.setattr(action_model, "open_session", open_on_cpu)
    monkeypatch.setattr(action_model, "provider_in_use", lambda session: "CUDAExecutionProvider")

    both = ActionModel(path, device="tensorrt:1,0")

    clips = np.random.default_rng(0).integers(0, 256, (9, *SPEC.clip_shape), np.uint8)
    features = np.stack([both.encode(clip) for clip in clips])
    assert opened == ["tensorrt:1", "tensorrt:0", "cuda:1", "cuda:0"]
    assert both.device_in_use == "CPU (2 GPUs)"
    assert np.abs(both.score(features) - one.score_clips(clips)).max() < 1e-5
    assert np.abs(both.score_clips(clips) - one.score_clips(clips)).max() < 1e-5


class OnGpu:
    """A session on some GPU."""

    def get_provider_options(self) -> dict[str, dict[str, str]]:
        return {"CUDAExecutionProvider": {"device_id": "2"}, "CPUExecutionProvider": {}}


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        ("auto", "cuda:2"),  # not the GPU that is emptiest by now
        ("cuda:2", "cuda:2"),
        ("tensorrt:2", "cuda:2"),
        ("tensorrt", "cuda"),
        ("coreml", "coreml"),
    ],
)
def test_the_rest_of_a_model_is_where_its_first_part_is(device: str, expected: str) -> None:
    assert action_model._device_beside(OnGpu(), device) == expected
