"""Which processor runs a network, and the proof that it really does.

onnxruntime falls back to the CPU without a word when a GPU cannot be used, and still lists the
GPU's provider as available; so what a session says of itself after its creation is all that counts.
"""

from __future__ import annotations

import io
import logging
import os
import re
from contextlib import redirect_stdout
from typing import Any

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as ort_state

from rtaction.errors import DeviceUnavailable, UsageError

CUDA = "CUDAExecutionProvider"
CPU = "CPUExecutionProvider"
# onnxruntime's exceptions have no common base of their own.
LOADING_ERRORS = (
    ort_state.Fail,
    ort_state.InvalidArgument,
    ort_state.InvalidGraph,
    ort_state.InvalidProtobuf,
    ort_state.NotImplemented,
    ort_state.RuntimeException,
)

_log = logging.getLogger(__name__)
_NAMES = {CUDA: "CUDA", CPU: "CPU"}
# onnxruntime writes to stderr by itself; what a person can mend is raised as an error instead.
_FATAL_ONLY = 4


def providers_for(device: str) -> list[tuple[str, dict[str, Any]]]:
    """What to ask onnxruntime for.

    Args:
        device: "auto" (a CUDA GPU where there is one, else the CPU), "cpu", "cuda" or "cuda:N".

    Returns:
        (provider, options) pairs, the preferred first, the CPU always last.

    Raises:
        UsageError: another word.
        DeviceUnavailable: CUDA by name, and this onnxruntime has no CUDA in it.
    """
    cpu: tuple[str, dict[str, Any]] = (CPU, {})
    if device == "cpu":
        return [cpu]
    match = re.fullmatch(r"auto|cuda(?::(\d+))?", device)
    if match is None:
        raise UsageError(f"--device must be auto, cpu, cuda or cuda:N, got {device!r}")
    if CUDA not in onnxruntime.get_available_providers():
        if device != "auto":
            raise DeviceUnavailable(
                f"--device {device}: this onnxruntime {onnxruntime.__version__} is built without "
                "CUDA; install onnxruntime-gpu, or use --device cpu"
            )
        return [cpu]
    if device == "auto" and not _nvidia_driver_present():
        return [cpu]
    return [(CUDA, {"device_id": int(match.group(1) or 0)}), cpu]


def open_session(
    model: bytes, device: str, *, num_threads: int, profile_prefix: str | None = None
) -> onnxruntime.InferenceSession:
    """Load a network onto a device.

    Args:
        model: an ONNX file's bytes.
        device: see `providers_for`.
        num_threads: threads of one operation on the CPU; 0 means one for each core.
        profile_prefix: where onnxruntime writes a profile, with every node as the file has it.
            Default None, no profile.

    Raises:
        DeviceUnavailable: CUDA by name, and the session runs elsewhere.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = num_threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL_ONLY
    onnxruntime.set_default_logger_severity(_FATAL_ONLY)
    if profile_prefix is not None:
        options.enable_profiling = True
        options.profile_file_prefix = profile_prefix
        disabled = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.graph_optimization_level = disabled
        # Packed weights are missing from the profile's shapes.
        options.add_session_config_entry("session.disable_prepacking", "1")
    providers = providers_for(device)
    if providers[0][0] == CUDA and hasattr(onnxruntime, "preload_dlls"):
        # Finds the CUDA and cuDNN libraries that pip installed under site-packages/nvidia.
        # What it prints when it finds none is said better below.
        with redirect_stdout(io.StringIO()):
            onnxruntime.preload_dlls()
    session = onnxruntime.InferenceSession(model, options, providers=providers)
    if device.startswith("cuda") and session.get_providers()[0] != CUDA:
        raise DeviceUnavailable(
            f"--device {device} was asked for, but the model runs on {name_in_use(session)}; check "
            "`nvidia-smi` and that CUDA and cuDNN match onnxruntime "
            f"{onnxruntime.__version__}, or use --device auto"
        )
    if providers[0][0] == CUDA and session.get_providers()[0] != CUDA:
        _log.warning("a CUDA GPU is there but onnxruntime cannot use it; running on the CPU")
    return session


def name_in_use(session: onnxruntime.InferenceSession) -> str:
    """The processor that a session really runs on, such as "CPU" or "CUDA"."""
    provider = str(session.get_providers()[0])
    return _NAMES.get(provider, provider.removesuffix("ExecutionProvider"))


def _nvidia_driver_present() -> bool:
    return os.name == "nt" or os.path.exists("/dev/nvidiactl") or os.path.exists("/dev/dxg")
