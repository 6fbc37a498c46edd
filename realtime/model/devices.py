"""The values of `--device`, the onnxruntime providers behind them, and advice if one is missing.

This module opens no session and knows nothing about frames: `rtaction.realtime.model.session` opens
one and finds out where it actually runs.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import io
import logging
import os
import re
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnxruntime

from rtaction.errors import DeviceUnavailable, UsageError
from rtaction.realtime.model.nvidia import emptiest_gpu, num_gpus

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"
TENSORRT = "TensorrtExecutionProvider"
OPENVINO = "OpenVINOExecutionProvider"
COREML = "CoreMLExecutionProvider"
DIRECTML = "DmlExecutionProvider"

MAX_BATCH = 64
"""The largest batch for an accelerator; a larger one is split."""

Provider = tuple[str, dict[str, Any]]

_log = logging.getLogger(__name__)
_USUAL_BATCH = 8  # the batch that TensorRT tunes its kernels for: several cameras share a model


@dataclass(frozen=True, slots=True)
class _Processor:
    provider: str
    name: str
    package: str
    numbered: bool
    advice: str


_PROCESSORS = {
    "cpu": _Processor(CPU, "CPU", "onnxruntime", False, ""),
    "cuda": _Processor(
        CUDA,
        "CUDA",
        "onnxruntime-gpu",
        True,
        "check `nvidia-smi`, and install the CUDA libraries with: "
        "pip install 'onnxruntime-gpu[cuda,cudnn]'",
    ),
    "tensorrt": _Processor(
        TENSORRT,
        "TensorRT",
        "onnxruntime-gpu",
        True,
        # From version 11, the libraries have other names than those onnxruntime loads.
        "check `nvidia-smi`, and install TensorRT 10 with: pip install 'tensorrt-cu{cuda}<11' "
        "'onnxruntime-gpu[cuda,cudnn]'",
    ),
    "openvino": _Processor(
        OPENVINO, "OpenVINO", "onnxruntime-openvino", False, "OpenVINO found no supported processor"
    ),
    "coreml": _Processor(
        COREML, "CoreML", "onnxruntime", False, "CoreML supports no operation of this model"
    ),
    "directml": _Processor(
        DIRECTML,
        "DirectML",
        "onnxruntime-directml",
        True,
        "check that the driver of this GPU supports DirectX 12",
    ),
}
_WORDS = "auto, cpu, cuda[:N], tensorrt[:N], openvino, coreml or directml[:N]"
_MANY = "; several GPUs are cuda:0,1"


def devices_of(device: str) -> list[str]:
    """The devices that a value of `--device` names, one for each processor.

    Args:
        device: as for `providers_for`; several numbers may follow "cuda:", "tensorrt:" and
            "directml:", such as "cuda:0,1".

    Raises:
        UsageError: a number stands there twice.
    """
    word, _, numbers = device.partition(":")
    each = numbers.split(",")
    if len(set(each)) < len(each):
        raise UsageError(f"--device {device!r} names a GPU twice; name each once")
    return [f"{word}:{number}" for number in each] if len(each) > 1 else [device]


def providers_for(device: str) -> list[Provider]:
    """The providers to request from onnxruntime.

    Args:
        device: "cpu", "cuda", "tensorrt", "openvino", "coreml" or "directml"; N in "cuda:N",
            "tensorrt:N" and "directml:N" is the number of the GPU, by default 0. Or "auto": CUDA if
            there is an NVIDIA GPU, of several the one with most free memory; CoreML on macOS,
            DirectML on Windows, otherwise the CPU.

    Returns:
        (provider, options) pairs, the preferred first, the CPU last.

    Raises:
        UsageError: an unknown device.
        DeviceUnavailable: the device was named, and this onnxruntime is built without it.
    """
    match = re.fullmatch(r"([a-z]+)(?::([0-9]{1,4}))?", device)
    word, number = match.groups() if match else ("", None)
    processor = _PROCESSORS.get(_automatic() if device == "auto" else word)
    if processor is None or (number is not None and not processor.numbered):
        raise UsageError(f"--device must be {_WORDS}{_MANY}, got {device!r}")
    if processor.provider not in onnxruntime.get_available_providers():
        raise DeviceUnavailable(
            f"--device {device}: this onnxruntime {onnxruntime.__version__} is built without "
            f"{processor.name}; {_installation(processor)}, or use --device auto"
        )
    if device == "auto" and processor.provider == CUDA:
        return _chain(CUDA, emptiest_gpu())
    return _chain(processor.provider, int(number or 0))


def preload_libraries(provider: str) -> None:
    """Load the libraries that pip installed beside onnxruntime, which its own search may miss.

    Args:
        provider: the preferred provider of the session to be opened.
    """
    if provider not in (CUDA, TENSORRT):
        return
    if hasattr(onnxruntime, "preload_dlls"):
        # The message it prints if it finds none is worse than that of `unavailable`.
        with redirect_stdout(io.StringIO()):
            onnxruntime.preload_dlls()
    if provider == TENSORRT and importlib.util.find_spec("tensorrt_libs") is not None:
        importlib.import_module("tensorrt_libs")  # loads all its libraries


def unavailable(device: str, in_use: str, reason: str) -> DeviceUnavailable:
    """The error for a named device that a session does not run on.

    Args:
        device: the value of `--device`.
        in_use: the processor that the session runs on instead, as from `name_of`.
        reason: the message of onnxruntime, or empty.
    """
    processor = _PROCESSORS[device.split(":")[0]]
    cuda = str(getattr(onnxruntime, "cuda_version", "")).split(".")[0] or "13"
    said = f" (onnxruntime {onnxruntime.__version__} says: {reason})" if reason else ""
    return DeviceUnavailable(
        f"--device {device} was asked for, but the model runs on {in_use}; "
        f"{processor.advice.format(cuda=cuda)}; or use --device auto{said}"
    )


def name_of(provider: str) -> str:
    """The display name of a provider's processor, such as "CPU" or "CUDA"."""
    names = {processor.provider: processor.name for processor in _PROCESSORS.values()}
    return names.get(provider, provider.removesuffix("ExecutionProvider"))


def tensorrt_options(model: bytes) -> tuple[dict[str, Any], dict[str, str]]:
    """Options that let TensorRT build its engines only once, for batches from 1 to `MAX_BATCH`.

    The names are those of onnxruntime's page on the TensorRT execution provider.

    Args:
        model: an ONNX file's bytes; its first dimension is the batch.

    Returns:
        Options that cache the engines on disk, and options for the range of batches; the latter
        are empty if more than the first dimension is free.

    Raises:
        DeviceUnavailable: the cache folder cannot be created.
    """
    # onnxruntime names an engine after the graph, not its weights, so a retrained model would get
    # the old one's engine (microsoft/onnxruntime#6455): hence a folder per content.
    folder = _cache_folder() / "tensorrt" / hashlib.sha256(model).hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        is_new = not any(folder.iterdir())
    except OSError as error:
        raise DeviceUnavailable(
            f"TensorRT needs a folder for its engines, and {folder} cannot be used: "
            f"{error.strerror}; make it writable, or use --device cuda"
        ) from None
    if is_new and num_gpus():
        _log.warning("TensorRT is building engines for this model; this takes minutes, once")
    cache = {
        "trt_engine_cache_enable": True,
        "trt_engine_cache_path": str(folder),
        "trt_timing_cache_enable": True,
        "trt_timing_cache_path": str(folder.parent),
    }
    return cache, _batch_profile(model)


def _automatic() -> str:
    available = onnxruntime.get_available_providers()
    if CUDA in available and num_gpus():
        return "cuda"  # not TensorRT: its engines take minutes to build
    if COREML in available and sys.platform == "darwin":
        return "coreml"
    if DIRECTML in available and sys.platform == "win32":
        return "directml"
    return "cpu"


def _chain(provider: str, number: int) -> list[Provider]:
    cpu: Provider = (CPU, {})
    cuda: Provider = (
        CUDA,
        {
            "device_id": number,
            # By default every algorithm is tried for each new shape, about a second per shape; the
            # heuristic takes 2 ms, and is no slower afterwards (PaddlePaddle/PaddleX#5057).
            "cudnn_conv_algo_search": "HEURISTIC",
            # The default; copies in a separate stream may race (microsoft/onnxruntime#4829).
            "do_copy_in_default_stream": True,
            # Scores must be the same on every processor; TF32 keeps only 10 bits of the mantissa.
            "use_tf32": False,
        },
    )
    chains: dict[str, list[Provider]] = {
        CPU: [cpu],
        CUDA: [cuda, cpu],
        TENSORRT: [(TENSORRT, {"device_id": number}), cuda, cpu],
        DIRECTML: [(DIRECTML, {"device_id": number}), cpu],
    }
    return chains.get(provider, [(provider, {}), cpu])


def _batch_profile(model: bytes) -> dict[str, str]:
    """The range of batches of the single input; empty if other dimensions are free too."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    entry = onnxruntime.InferenceSession(model, options, providers=[CPU]).get_inputs()[0]
    batch_is_fixed = isinstance(entry.shape[0], int)
    if batch_is_fixed or not all(isinstance(length, int) for length in entry.shape[1:]):
        return {}
    rest = "".join(f"x{length}" for length in entry.shape[1:])
    return {
        f"trt_profile_{kind}_shapes": f"{entry.name}:{batch}{rest}"
        for kind, batch in (("min", 1), ("opt", _USUAL_BATCH), ("max", MAX_BATCH))
    }


def _cache_folder() -> Path:
    if sys.platform == "win32" and (local := os.environ.get("LOCALAPPDATA")):
        return Path(local) / "rtaction"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "rtaction"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rtaction"


def _installation(processor: _Processor) -> str:
    if processor.provider == COREML:
        return "CoreML comes only with onnxruntime for macOS"
    installed = getattr(onnxruntime, "package_name", "onnxruntime")
    # All onnxruntime packages install into one folder, so the previous one has to be removed.
    return f"run `pip uninstall {installed}` and `pip install {processor.package}`"
