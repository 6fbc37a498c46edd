"""On a real GPU, a model gives the scores of the CPU, there and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from rtaction.models import ACTIONS_MODEL, STARTER_MODEL
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.model.batch_runner import BatchRunner
from rtaction.realtime.model.devices import CUDA, TENSORRT
from rtaction.realtime.model.nvidia import emptiest_gpu, num_gpus
from rtaction.realtime.model.session import open_session, provider_in_use
from tests.realtime.servers.network import SPEC, write_network

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(
        num_gpus() == 0 or CUDA not in onnxruntime.get_available_providers(),
        reason="needs a GPU that CUDA can use, and onnxruntime-gpu",
    ),
]
# float32 throughout, but sums are made in another order.
TOLERANCE = 1e-4


def has_tensorrt() -> bool:
    try:
        import tensorrt_libs  # type: ignore[import-not-found]  # noqa: F401
    except ImportError:
        return Path("/usr/lib/aarch64-linux-gnu/libnvinfer.so.10").exists()
    return True


@pytest.mark.parametrize("path", [ACTIONS_MODEL, STARTER_MODEL], ids=lambda path: path.stem)
@pytest.mark.parametrize("device", ["auto", "cuda", "tensorrt"])
def test_scores_are_those_of_the_cpu(path: Path, device: str) -> None:
    if device == "tensorrt" and not has_tensorrt():
        pytest.skip("needs TensorRT 10")
    on_gpu, on_cpu = ActionModel(path, device=device), ActionModel(path, device="cpu")
    clips = np.random.default_rng(0).integers(0, 256, (3, *on_cpu.spec.clip_shape), np.uint8)

    features = np.stack([on_gpu.encode(clip) for clip in clips])

    assert on_gpu.device_in_use == ("TensorRT" if device == "tensorrt" else "CUDA")
    expected = on_cpu.score_clips(clips)
    assert np.abs(on_gpu.score(features) - expected).max() < TOLERANCE
    assert np.abs(on_gpu.score_clips(clips) - expected).max() < TOLERANCE


@pytest.mark.parametrize("provider", [CUDA, TENSORRT])
def test_each_run_sees_its_own_input(tmp_path: Path, provider: str) -> None:
    """Inputs follow each other in one buffer: a run that does not wait sees the one before."""
    if provider == TENSORRT and not has_tensorrt():
        pytest.skip("needs TensorRT 10")
    device = {CUDA: "cuda", TENSORRT: "tensorrt"}[provider]
    model = ActionModel(STARTER_MODEL, device="cpu")
    content = model.file.cut([model.file.boundary.frames], [model.file.boundary.frame_features])
    session = open_session(content, device, num_threads=1)
    assert provider_in_use(session) == provider
    runner = BatchRunner(session)
    random = np.random.default_rng(0)
    batches = [random.integers(0, 256, (64, *model.spec.frame_shape), np.uint8) for _ in range(8)]
    expected = [model.encode(batch) for batch in batches]

    for turn in range(200):
        found = runner.run(batches[turn % 8])
        assert np.abs(found - expected[turn % 8]).max() < TOLERANCE, turn


def test_the_emptiest_gpu_can_be_used(tmp_path: Path) -> None:
    device = f"cuda:{emptiest_gpu()}"

    session = open_session(
        write_network(tmp_path / "network.onnx").read_bytes(), device, num_threads=1
    )

    assert provider_in_use(session) == CUDA


@pytest.mark.skipif(num_gpus() < 2, reason="needs two GPUs")
def test_two_gpus_share_the_work(tmp_path: Path) -> None:
    path = write_network(tmp_path / "network.onnx")
    both, on_cpu = ActionModel(path, device="cuda:0,1"), ActionModel(path, device="cpu")
    images = np.random.default_rng(0).integers(0, 256, (100, *SPEC.frame_shape), np.uint8)

    assert both.device_in_use == "CUDA (2 GPUs)"
    assert np.abs(both.encode(images) - on_cpu.encode(images)).max() < TOLERANCE


@pytest.mark.skipif(not os.path.exists("/etc/nv_tegra_release"), reason="needs a Jetson")
def test_a_jetson_is_found_without_nvidiactl() -> None:
    assert num_gpus() == 1
