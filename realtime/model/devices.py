"""The words of `--device`, what each asks of onnxruntime, and what to do where it cannot be had.

This file opens no session and knows nothing of pictures: `rtaction.realtime.model.session` opens
one, and finds out what it really runs on.
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

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"
TENSORRT = "TensorrtExecutionProvider"
OPENVINO = "OpenVINOExecutionProvider"
COREML = "CoreMLExecutionProvider"
DIRECTML = "DmlExecutionProvider"

MAX_BATCH = 64
"""The largest batch an accelerator is given; more is split."""

Provider = tuple[str, dict[str, Any]]

_log = logging.getLogger(__name__)
_USUAL_BATCH = 8  # what TensorRT tunes its kernels for: several cameras that share a network


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
        # Since version 11 the package holds libraries of other names than onnxruntime loads.
        "check `nvidia-smi`, and install TensorRT 10 with: pip install 'tensorrt-cu{cuda}<11' "
        "'onnxruntime-gpu[cuda,cudnn]'",
    ),
    "openvino": _Processor(
        OPENVINO, "OpenVINO", "onnxruntime-openvino", False, "OpenVINO found no processor it knows"
    ),
    "coreml": _Processor(
        COREML, "CoreML", "onnxruntime", False, "CoreML takes none of this network's operations"
    ),
    "directml": _Processor(
        DIRECTML,
        "DirectML",
        "onnxruntime-directml",
        True,
        "check that this GPU has a driver for DirectX 12",
    ),
}
_WORDS = "auto, cpu, cuda[:N], tensorrt[:N], openvino, coreml or directml[:N]"


def providers_for(device: str) -> list[Provider]:
    """What to ask onnxruntime for.

    Args:
        device: "auto" (a CUDA GPU where there is one, CoreML on macOS, DirectML on Windows, else
            the CPU), "cpu", "cuda", "tensorrt", "openvino", "coreml" or "directml"; N in "cuda:N",
            "tensorrt:N" and "directml:N" is the number of the GPU, by default 0.

    Returns:
        (provider, options) pairs, the preferred first, the CPU always last.

    Raises:
        UsageError: another word.
        DeviceUnavailable: a device by name, and this onnxruntime is built without it.
    """
    match = re.fullmatch(r"([a-z]+)(?::([0-9]{1,4}))?", device)
    word, number = match.groups() if match else ("", None)
    processor = _PROCESSORS.get(_automatic() if device == "auto" else word)
    if processor is None or (number is not None and not processor.numbered):
        raise UsageError(f"--device must be {_WORDS}, got {device!r}")
    if processor.provider not in onnxruntime.get_available_providers():
        raise DeviceUnavailable(
            f"--device {device}: this onnxruntime {onnxruntime.__version__} is built without "
            f"{processor.name}; {_installation(processor)}, or use --device auto"
        )
    return _chain(processor.provider, int(number or 0))


def preload_libraries(provider: str) -> None:
    """Load the libraries that pip installed beside onnxruntime, where its own search misses them.

    Args:
        provider: the preferred one of a session to be opened.
    """
    if provider not in (CUDA, TENSORRT):
        return
    if hasattr(onnxruntime, "preload_dlls"):
        # What it prints when it finds none is said better by `unavailable`.
        with redirect_stdout(io.StringIO()):
            onnxruntime.preload_dlls()
    if provider == TENSORRT and importlib.util.find_spec("tensorrt_libs") is not None:
        importlib.import_module("tensorrt_libs")  # loads all that is in it


def unavailable(device: str, in_use: str, reason: str) -> DeviceUnavailable:
    """The error for a device asked for by name that a session does not run on.

    Args:
        device: the word of `--device`.
        in_use: what the session runs on instead, as `name_of` says it.
        reason: onnxruntime's own words, or empty where it had none.
    """
    processor = _PROCESSORS[device.split(":")[0]]
    cuda = str(getattr(onnxruntime, "cuda_version", "")).split(".")[0] or "13"
    said = f" (onnxruntime {onnxruntime.__version__} says: {reason})" if reason else ""
    return DeviceUnavailable(
        f"--device {device} was asked for, but the model runs on {in_use}; "
        f"{processor.advice.format(cuda=cuda)}; or use --device auto{said}"
    )


def name_of(provider: str) -> str:
    """A provider's processor in words, such as "CPU" or "CUDA"."""
    names = {processor.provider: processor.name for processor in _PROCESSORS.values()}
    return names.get(provider, provider.removesuffix("ExecutionProvider"))


def tensorrt_options(model: bytes) -> tuple[dict[str, Any], dict[str, str]]:
    """Options that let TensorRT build its engines once, for batches from 1 to `MAX_BATCH`.

    The names are those of onnxruntime's page on the TensorRT execution provider.

    Args:
        model: an ONNX file's bytes; its first dimension is the batch.

    Returns:
        Options for keeping the engines on disk, and options for the range of batches; the latter
        empty where more than the first dimension is open.

    Raises:
        DeviceUnavailable: the folder for the engines cannot be made.
    """
    # onnxruntime names an engine after the graph and not its weights, so a network trained anew
    # would be given the old one's engine (microsoft/onnxruntime#6455): a folder for each content.
    folder = _cache_folder() / "tensorrt" / hashlib.sha256(model).hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        is_new = not any(folder.iterdir())
    except OSError as error:
        raise DeviceUnavailable(
            f"TensorRT needs a folder for its engines, and {folder} cannot be used: "
            f"{error.strerror}; make it writable, or use --device cuda"
        ) from None
    if is_new and _nvidia_driver_present():
        _log.warning("TensorRT builds its engines for this model; that takes minutes, once")
    cache = {
        "trt_engine_cache_enable": True,
        "trt_engine_cache_path": str(folder),
        "trt_timing_cache_enable": True,
        "trt_timing_cache_path": str(folder.parent),
    }
    return cache, _batch_profile(model)


def _automatic() -> str:
    available = onnxruntime.get_available_providers()
    if CUDA in available and _nvidia_driver_present():
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
            # The default tries every algorithm for each new shape, which takes about a second a
            # shape; the heuristic takes 2 ms and is no slower after (PaddlePaddle/PaddleX#5057).
            "cudnn_conv_algo_search": "HEURISTIC",
            # The default; copies in another stream may race (microsoft/onnxruntime#4829).
            "do_copy_in_default_stream": True,
            # A model says the same on every processor; TF32 keeps 10 bits of each number.
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
    """The range of batches, for the network's one input; empty where not only that is open."""
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
        return "CoreML comes with onnxruntime on macOS alone"
    installed = getattr(onnxruntime, "package_name", "onnxruntime")
    # All of onnxruntime's packages write into one folder, so the one before has to go.
    return f"run `pip uninstall {installed}` and `pip install {processor.package}`"


def _nvidia_driver_present() -> bool:
    return os.name == "nt" or os.path.exists("/dev/nvidiactl") or os.path.exists("/dev/dxg")
