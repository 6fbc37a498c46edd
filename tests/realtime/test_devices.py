"""A device is what the session says it runs on, never what was hoped for."""

from __future__ import annotations

from pathlib import Path

import onnxruntime
import pytest

from rtaction.errors import DeviceUnavailable, UsageError
from rtaction.realtime import devices
from rtaction.realtime.devices import CPU, CUDA, name_in_use, open_session, providers_for
from tests.realtime.conftest import assert_one_error, rtaction


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A machine with or without CUDA in its onnxruntime, and with or without a GPU's driver."""
    has_cuda, has_driver = request.param
    available = [CUDA, CPU] if has_cuda else [CPU]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: available)
    monkeypatch.setattr(devices, "_nvidia_driver_present", lambda: has_driver)


@pytest.mark.parametrize(
    ("machine", "device", "expected"),
    [
        ((True, True), "cpu", [(CPU, {})]),
        ((True, True), "auto", [(CUDA, {"device_id": 0}), (CPU, {})]),
        ((True, False), "auto", [(CPU, {})]),
        ((False, True), "auto", [(CPU, {})]),
        ((True, True), "cuda", [(CUDA, {"device_id": 0}), (CPU, {})]),
        ((True, True), "cuda:3", [(CUDA, {"device_id": 3}), (CPU, {})]),
        ((True, False), "cuda:0", [(CUDA, {"device_id": 0}), (CPU, {})]),
        ((False, False), "cpu", [(CPU, {})]),
    ],
    indirect=["machine"],
)
@pytest.mark.usefixtures("machine")
def test_providers(device: str, expected: list[tuple[str, dict[str, int]]]) -> None:
    assert providers_for(device) == expected


@pytest.mark.parametrize("machine", [(False, True)], indirect=True)
@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
@pytest.mark.usefixtures("machine")
def test_cuda_by_name_without_cuda(device: str) -> None:
    with pytest.raises(DeviceUnavailable, match=rf"--device {device}: .* built without CUDA"):
        providers_for(device)


@pytest.mark.parametrize(
    "device", ["", "gpu", "CPU", "cuda:", "cuda:x", "cuda:-1", "cuda:1:2", "auto:0", "auto ", "tpu"]
)
def test_another_word(device: str) -> None:
    with pytest.raises(UsageError, match="--device must be auto, cpu, cuda or cuda:N"):
        providers_for(device)


def test_a_session_on_the_cpu(tiny_model: Path) -> None:
    session = open_session(tiny_model.read_bytes(), "cpu", num_threads=1)

    assert name_in_use(session) == "CPU"
    assert session.get_providers() == [CPU]


@pytest.mark.parametrize(
    ("device", "expected_exit_code", "expected_words"),
    [
        ("cuda", 9, "--device cuda "),
        ("cuda:1", 9, "--device cuda:1"),
        ("gpu", 2, "must be auto, cpu, cuda or cuda:N, got 'gpu'"),
    ],
)
def test_a_device_that_cannot_be_had(
    halves_video: Path,
    tiny_model: Path,
    device: str,
    expected_exit_code: int,
    expected_words: str,
) -> None:
    finished = rtaction(
        "cam", "-m", tiny_model, "-s", halves_video, "--headless", "--device", device
    )

    error = assert_one_error(finished.returncode, finished.stderr, expected_exit_code)
    assert expected_words in error
    assert finished.stdout == ""


@pytest.mark.parametrize("device", ["cpu", "auto"])
def test_without_a_gpu_the_cpu_is_named(halves_video: Path, tiny_model: Path, device: str) -> None:
    finished = rtaction(
        "cam", "-m", tiny_model, "-s", halves_video, "--headless", "--device", device
    )

    assert finished.returncode == 0, finished.stderr
    assert "running on CPU" in finished.stderr.splitlines()
