"""A device is what the session says it runs on, never what was hoped for."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import onnxruntime
import pytest
from onnxruntime.capi.onnxruntime_pybind11_state import EPFail, InvalidProtobuf

from rtaction.errors import DeviceUnavailable, UsageError
from rtaction.realtime.model import devices, session
from rtaction.realtime.model.devices import (
    COREML,
    CPU,
    CUDA,
    DIRECTML,
    OPENVINO,
    TENSORRT,
    devices_of,
    name_of,
    providers_for,
    tensorrt_options,
    unavailable,
)
from rtaction.realtime.model.nvidia import num_gpus
from rtaction.realtime.model.session import name_in_use, open_session, provider_in_use, words_of
from tests.realtime.conftest import assert_one_error, environment, rtaction
from tests.realtime.servers.network import write_network

NVIDIA = [TENSORRT, CUDA, CPU]
WORDS = "auto, cpu, cuda[:N], tensorrt[:N], openvino, coreml or directml[:N]"
WORDS += "; several GPUs are cuda:0,1"

built_for_cuda = pytest.mark.skipif(
    CUDA not in onnxruntime.get_available_providers(),
    reason="this onnxruntime is built without CUDA, as on aarch64 and macOS",
)
without_gpu = pytest.mark.skipif(
    num_gpus() > 0 or sys.platform != "linux",
    reason="here CUDA may be had",
)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A machine of some system, with some providers, and with or without an NVIDIA GPU."""
    platform, available, has_gpu = request.param
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: available)
    monkeypatch.setattr(devices, "num_gpus", lambda: int(has_gpu))


@pytest.mark.parametrize(
    ("machine", "device", "expected"),
    [
        (("linux", NVIDIA, True), "cpu", [CPU]),
        (("linux", NVIDIA, True), "auto", [CUDA, CPU]),
        (("linux", NVIDIA, False), "auto", [CPU]),
        (("linux", [CPU], True), "auto", [CPU]),
        (("linux", [OPENVINO, CPU], True), "auto", [CPU]),
        (("linux", NVIDIA, True), "cuda", [CUDA, CPU]),
        (("linux", NVIDIA, False), "cuda:0", [CUDA, CPU]),
        (("linux", NVIDIA, True), "tensorrt", [TENSORRT, CUDA, CPU]),
        (("linux", [OPENVINO, CPU], False), "openvino", [OPENVINO, CPU]),
        (("darwin", [COREML, CPU], False), "coreml", [COREML, CPU]),
        (("darwin", [COREML, CPU], False), "auto", [COREML, CPU]),
        (("darwin", [CPU], False), "auto", [CPU]),
        (("win32", [DIRECTML, CPU], True), "directml", [DIRECTML, CPU]),
        (("win32", [DIRECTML, CPU], True), "auto", [DIRECTML, CPU]),
        (("win32", NVIDIA, True), "auto", [CUDA, CPU]),
        (("linux", [CPU], False), "cpu", [CPU]),
    ],
    indirect=["machine"],
)
@pytest.mark.usefixtures("machine")
def test_providers(device: str, expected: list[str]) -> None:
    assert [provider for provider, _ in providers_for(device)] == expected


@pytest.mark.parametrize("machine", [("linux", [*NVIDIA, DIRECTML], True)], indirect=True)
@pytest.mark.parametrize(
    ("device", "expected"),
    [
        ("cuda", {CUDA: 0}),
        ("cuda:3", {CUDA: 3}),
        ("tensorrt", {TENSORRT: 0, CUDA: 0}),
        ("tensorrt:2", {TENSORRT: 2, CUDA: 2}),
        ("directml:1", {DIRECTML: 1}),
        ("auto", {CUDA: 0}),
    ],
)
@pytest.mark.usefixtures("machine")
def test_the_number_of_the_gpu(device: str, expected: dict[str, int]) -> None:
    numbers = {provider: options["device_id"] for provider, options in providers_for(device)[:-1]}

    assert numbers == expected


@pytest.mark.parametrize("machine", [("linux", NVIDIA, True)], indirect=True)
@pytest.mark.usefixtures("machine")
def test_cuda_searches_no_algorithm_for_each_new_batch() -> None:
    options = dict(providers_for("cuda"))[CUDA]

    assert options["cudnn_conv_algo_search"] == "HEURISTIC"
    assert options["do_copy_in_default_stream"] is True
    assert options["use_tf32"] is False


@pytest.mark.parametrize("machine", [("linux", [CPU], True)], indirect=True)
@pytest.mark.parametrize(
    ("device", "name", "advice"),
    [
        ("cuda", "CUDA", "`pip install onnxruntime-gpu`"),
        ("cuda:1", "CUDA", "`pip install onnxruntime-gpu`"),
        ("tensorrt", "TensorRT", "`pip install onnxruntime-gpu`"),
        ("openvino", "OpenVINO", "`pip install onnxruntime-openvino`"),
        ("directml", "DirectML", "`pip install onnxruntime-directml`"),
        ("coreml", "CoreML", "only with onnxruntime for macOS"),
    ],
)
@pytest.mark.usefixtures("machine")
def test_a_device_that_this_onnxruntime_lacks(device: str, name: str, advice: str) -> None:
    with pytest.raises(DeviceUnavailable) as caught:
        providers_for(device)

    assert caught.value.exit_code == 9
    assert str(caught.value).startswith(f"--device {device}: ")
    assert f"is built without {name}; " in str(caught.value)
    assert advice in str(caught.value)


@pytest.mark.parametrize(
    "device",
    [
        *("", "gpu", "CPU", "cpu:0", "cuda:", "cuda:x", "cuda:-1", "cuda:1:2", "auto:0", "auto "),
        *("tpu", "openvino:1", "coreml:0", "directml:", "tensorrt:one", "cuda:٣", "cuda:0,1"),
    ],
)
def test_another_word(device: str) -> None:
    with pytest.raises(UsageError) as caught:
        providers_for(device)

    assert str(caught.value) == f"--device must be {WORDS}, got {device!r}"


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        ("auto", ["auto"]),
        ("cuda", ["cuda"]),
        ("cuda:3", ["cuda:3"]),
        ("cuda:0,2", ["cuda:0", "cuda:2"]),
        ("tensorrt:1,0,3", ["tensorrt:1", "tensorrt:0", "tensorrt:3"]),
        ("cuda:0,", ["cuda:0", "cuda:"]),  # refused where it is opened
    ],
)
def test_several_gpus(device: str, expected: list[str]) -> None:
    assert devices_of(device) == expected


def test_a_gpu_named_twice() -> None:
    with pytest.raises(UsageError, match="names a GPU twice"):
        devices_of("cuda:1,0,1")


@pytest.mark.parametrize("machine", [("linux", NVIDIA, True)], indirect=True)
@pytest.mark.usefixtures("machine")
def test_auto_takes_the_gpu_with_most_free_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "emptiest_gpu", lambda: 2)

    assert dict(providers_for("auto"))[CUDA]["device_id"] == 2
    assert dict(providers_for("cuda"))[CUDA]["device_id"] == 0


def test_what_is_told_of_a_device_that_is_not_honoured() -> None:
    error = unavailable("tensorrt:1", "CPU", "libnvinfer is missing")

    assert str(error).startswith("--device tensorrt:1 was asked for, but the model runs on CPU; ")
    assert "<11'" in str(error)
    assert str(error).endswith("says: libnvinfer is missing)")
    assert "says" not in str(unavailable("cuda", "CPU", ""))


@pytest.mark.parametrize(
    ("provider", "expected"),
    [
        (CPU, "CPU"),
        (CUDA, "CUDA"),
        (TENSORRT, "TensorRT"),
        (OPENVINO, "OpenVINO"),
        (COREML, "CoreML"),
        (DIRECTML, "DirectML"),
        ("NewExecutionProvider", "New"),
    ],
)
def test_names(provider: str, expected: str) -> None:
    assert name_of(provider) == expected


@pytest.fixture
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "rtaction" / "tensorrt"


def test_tensorrt_is_told_the_range_of_batches(tmp_path: Path, cache_folder: Path) -> None:
    cache, batches = tensorrt_options(write_network(tmp_path / "network.onnx").read_bytes())

    assert batches == {
        "trt_profile_min_shapes": "clip:1x5x12x16x3",
        "trt_profile_opt_shapes": "clip:8x5x12x16x3",
        "trt_profile_max_shapes": "clip:64x5x12x16x3",
    }
    assert cache["trt_engine_cache_enable"] is cache["trt_timing_cache_enable"] is True
    assert cache["trt_timing_cache_path"] == str(cache_folder)


def test_engines_of_other_weights_lie_elsewhere(tmp_path: Path, cache_folder: Path) -> None:
    contents = [write_network(tmp_path / "a.onnx", seed=seed).read_bytes() for seed in (0, 1, 0)]

    folders = [Path(tensorrt_options(content)[0]["trt_engine_cache_path"]) for content in contents]

    assert folders[0] == folders[2] != folders[1]
    assert sorted(cache_folder.iterdir()) == sorted(set(folders))


def test_a_folder_that_cannot_be_made(tmp_path: Path, cache_folder: Path) -> None:
    cache_folder.parent.parent.write_text("a file stands here")

    with pytest.raises(DeviceUnavailable, match="needs a folder for its engines"):
        tensorrt_options(write_network(tmp_path / "network.onnx").read_bytes())


@pytest.mark.parametrize(
    ("platform", "variable", "expected"),
    [
        ("linux", "XDG_CACHE_HOME", "kept/rtaction"),
        ("win32", "LOCALAPPDATA", "kept/rtaction"),
        ("darwin", None, "home/Library/Caches/rtaction"),
        ("linux", None, "home/.cache/rtaction"),
    ],
)
def test_the_cache_folder_of_each_system(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    platform: str,
    variable: str | None,
    expected: str,
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    if variable is not None:
        monkeypatch.setenv(variable, str(tmp_path / "kept"))

    assert devices._cache_folder() == tmp_path / expected


def test_a_session_on_the_cpu(tiny_model: Path) -> None:
    opened = open_session(tiny_model.read_bytes(), "cpu", num_threads=1)

    assert opened.get_providers() == [CPU]
    assert provider_in_use(opened) == CPU
    assert name_in_use(opened) == "CPU"


def test_threads_do_not_spin_between_two_runs(tiny_model: Path) -> None:
    opened = open_session(tiny_model.read_bytes(), "cpu", num_threads=2)

    options = opened.get_session_options()
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    assert options.intra_op_num_threads == 2


@pytest.mark.parametrize("device", ["cpu", "auto"])
def test_a_broken_model_is_the_models_fault(device: str) -> None:
    with pytest.raises(InvalidProtobuf):
        open_session(b"no model", device, num_threads=1)


@without_gpu
@built_for_cuda
@pytest.mark.parametrize("device", ["cuda", "tensorrt"])
def test_a_named_device_that_cannot_be_had(
    tiny_model: Path, cache_folder: Path, device: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DeviceUnavailable, match=f"--device {device} was asked for, but .* on CPU"):
        open_session(tiny_model.read_bytes(), device, num_threads=1)

    assert capfd.readouterr() == ("", "")


@without_gpu
@built_for_cuda
@pytest.mark.parametrize("device", ["cuda", "tensorrt"])
def test_what_need_not_be_there_runs_where_it_can(
    tiny_model: Path, cache_folder: Path, device: str
) -> None:
    opened = open_session(tiny_model.read_bytes(), device, num_threads=1, strict=False)

    assert provider_in_use(opened) == CPU


@without_gpu
@built_for_cuda
def test_auto_that_falls_back_says_so_once(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(devices, "num_gpus", lambda: 1)

    with caplog.at_level(logging.WARNING):
        opened = open_session(tiny_model.read_bytes(), "auto", num_threads=1)

    assert provider_in_use(opened) == CPU
    assert caplog.messages == ["CUDA is present but onnxruntime cannot use it; running on the CPU"]


class _Refusing:
    """A TensorRT that refuses a range of batches, in words of its own."""

    def __init__(self, reasons: list[str]) -> None:
        self._reasons = reasons
        self.tried: list[list[str]] = []

    def __call__(self, model: bytes, options: Any = None, **chosen: Any) -> str:
        ((_, tensorrt), *_) = chosen["providers"]
        self.tried.append(sorted(name for name in tensorrt if name.startswith("trt_profile")))
        if len(self.tried) <= len(self._reasons):
            raise EPFail(self._reasons[len(self.tried) - 1])
        return "a session"


RANGES = ["trt_profile_max_shapes", "trt_profile_min_shapes", "trt_profile_opt_shapes"]


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        ([], [RANGES]),
        (["Following input(s) has no associated shape profiles provided: x"], [RANGES, []]),
        (["an input of a part has no range"], [RANGES, []]),
    ],
)
def test_tensorrt_that_refuses_a_range_of_batches_is_asked_without(
    tmp_path: Path,
    cache_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    reasons: list[str],
    expected: list[list[str]],
) -> None:
    content = write_network(tmp_path / "network.onnx").read_bytes()
    cache, batches = tensorrt_options(content)
    monkeypatch.setattr(session, "tensorrt_options", lambda model: (cache, batches))
    refusing = _Refusing(reasons)
    monkeypatch.setattr(onnxruntime, "InferenceSession", refusing)

    opened = session._open_on(content, [(TENSORRT, {}), (CUDA, {}), (CPU, {})], "options")

    assert opened == "a session"
    assert refusing.tried == expected


def test_what_else_tensorrt_lacks_is_said(
    tmp_path: Path, cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = write_network(tmp_path / "network.onnx").read_bytes()
    cache, batches = tensorrt_options(content)
    monkeypatch.setattr(session, "tensorrt_options", lambda model: (cache, batches))
    monkeypatch.setattr(onnxruntime, "InferenceSession", _Refusing(["no library"] * 2))

    with pytest.raises(EPFail, match="no library"):
        session._open_on(content, [(TENSORRT, {}), (CPU, {})], "options")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[ONNXRuntimeError] : 7 : bad\nmore", "[ONNXRuntimeError] : 7 : bad"),
        (
            "/src/python/state.cc:729 void Register(Options&, const Map&) Please install",
            "Please install",
        ),
        ("", "ValueError"),
    ],
)
def test_words_of_an_error(text: str, expected: str) -> None:
    assert words_of(ValueError(text)) == expected


@without_gpu
@pytest.mark.parametrize(
    ("device", "expected_exit_code", "expected_words"),
    [
        ("cuda", 9, "--device cuda"),
        ("cuda:1", 9, "--device cuda:1"),
        ("tensorrt", 9, "--device tensorrt"),
        ("openvino", 9, "onnxruntime-openvino"),
        ("coreml", 9, "only with onnxruntime for macOS"),
        ("directml:0", 9, "onnxruntime-directml"),
        ("gpu", 2, f"must be {WORDS}, got 'gpu'"),
    ],
)
def test_the_command_on_a_device_that_cannot_be_had(
    halves_video: Path,
    tiny_model: Path,
    tmp_path: Path,
    device: str,
    expected_exit_code: int,
    expected_words: str,
) -> None:
    arguments: list[Any] = ["-m", tiny_model, "-s", halves_video, "--headless", "--device", device]

    finished = rtaction("cam", *arguments, env=environment(XDG_CACHE_HOME=str(tmp_path)))

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
