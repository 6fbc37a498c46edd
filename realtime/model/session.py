"""A model loaded onto a processor, with a check that it actually runs there.

onnxruntime silently falls back to the CPU if a GPU cannot be used, and still lists the GPU's
provider as available; some providers even come first in a session that leaves every operation to
the CPU. So only the placement of the operations in the finished session counts. This module knows
nothing about frames or batches.
"""

from __future__ import annotations

import logging
import re
from collections import Counter

import onnxruntime

from rtaction.onnx_format.early_cast import cast_first
from rtaction.onnx_format.errors import LOADING_ERRORS
from rtaction.realtime.model.devices import (
    CPU,
    DIRECTML,
    TENSORRT,
    Provider,
    name_of,
    preload_libraries,
    providers_for,
    tensorrt_options,
    unavailable,
)

_log = logging.getLogger(__name__)
# onnxruntime writes to stderr itself; what a person can fix is raised as an error instead.
_FATAL_ONLY = 4
_ASSIGNMENT_KEY = "session.record_ep_graph_assignment_info"


def open_session(
    model: bytes,
    device: str,
    *,
    num_threads: int,
    profile_prefix: str | None = None,
    strict: bool = True,
) -> onnxruntime.InferenceSession:
    """Load a model onto a device.

    Args:
        model: an ONNX file's bytes.
        device: see `rtaction.realtime.model.devices.providers_for`.
        num_threads: threads of one operation on the CPU; 0 means one per core.
        profile_prefix: path prefix of onnxruntime's profile, with every node as it is in the file.
            Default None, no profile.
        strict: insist on a named device, and warn if "auto" could not keep its choice. Default
            True; False lets the model run wherever it can.

    Raises:
        UsageError: an unknown device.
        DeviceUnavailable: the device was named, and the session runs elsewhere.
    """
    providers = providers_for(device)
    wanted = providers[0][0]
    reason = ""
    try:
        session = _open_on(model, providers, _options(num_threads, profile_prefix, wanted))
    except (RuntimeError, ValueError, *LOADING_ERRORS) as error:
        if wanted == CPU:
            raise
        reason = words_of(error)
        # If the CPU takes the model, the accelerator was at fault; otherwise this raises as well.
        session = _open_on(model, [(CPU, {})], _options(num_threads, profile_prefix, CPU))
    if strict:
        _check(session, device, wanted, reason)
    _log.debug(
        "onnxruntime %s of %s: device %s opened on %s, operations by provider: %s",
        onnxruntime.__version__,
        ", ".join(map(name_of, onnxruntime.get_available_providers())),
        device,
        name_in_use(session),
        dict(_num_operations(session)),
    )
    return session


def provider_in_use(session: onnxruntime.InferenceSession) -> str:
    """The provider that runs most of a session's operations; the preferred one of two equals."""
    providers: list[str] = session.get_providers()
    counts = _num_operations(session)
    return max(providers, key=lambda provider: counts[provider])


def name_in_use(session: onnxruntime.InferenceSession) -> str:
    """The processor that a session actually runs on, such as "CPU" or "CUDA"."""
    return name_of(provider_in_use(session))


def _open_on(
    model: bytes, providers: list[Provider], options: onnxruntime.SessionOptions
) -> onnxruntime.InferenceSession:
    preload_libraries(providers[0][0])
    if providers[0][0] != TENSORRT:
        return _create(model, providers, options)
    model = cast_first(model)
    cache, batches = tensorrt_options(model)
    (first, basic), *others = providers
    try:
        return _create(model, [(first, basic | cache | batches), *others], options)
    except (RuntimeError, *LOADING_ERRORS) as error:
        if not batches:
            raise
        # Where TensorRT takes a model in parts, it wants a range for the input of each. No code
        # and no stable words tell this from another failure, so the model has to open without a
        # range, and then rebuilds an engine whenever a batch is larger than all before; whatever
        # else is wrong fails again.
        _log.debug("TensorRT refused the range of batches: %s", words_of(error))
        return _create(model, [(first, basic | cache), *others], options)


def _create(
    model: bytes, providers: list[Provider], options: onnxruntime.SessionOptions
) -> onnxruntime.InferenceSession:
    # onnxruntime's own fallback would print to stdout and change processors while running.
    return onnxruntime.InferenceSession(model, options, providers=providers, enable_fallback=0)


def _options(
    num_threads: int, profile_prefix: str | None, provider: str
) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = num_threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL_ONLY
    onnxruntime.set_default_logger_severity(_FATAL_ONLY)
    # At 30 frames per second, threads that spin between frames used 0.84 of a core for 0.03 of
    # work, and halved the throughput of video decoders; on idle cores spinning gained 0.3 of 1 ms.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry(_ASSIGNMENT_KEY, "1")
    if provider == DIRECTML:
        options.enable_mem_pattern = False  # DirectML requires it
    if profile_prefix is not None:
        options.enable_profiling = True
        options.profile_file_prefix = profile_prefix
        disabled = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.graph_optimization_level = disabled
        # The profile lacks the shapes of prepacked weights.
        options.add_session_config_entry("session.disable_prepacking", "1")
    return options


def _check(session: onnxruntime.InferenceSession, device: str, wanted: str, reason: str) -> None:
    """Raise, or warn, if a session runs elsewhere than wanted."""
    if wanted == CPU:
        return
    counts = _num_operations(session)
    total = counts.total()
    if counts[wanted] == 0:
        if device != "auto":
            raise unavailable(device, name_in_use(session), reason)
        _log.warning(
            "%s is present but onnxruntime cannot use it; running on the %s",
            name_of(wanted),
            name_in_use(session),
        )
    elif counts[wanted] < total / 2:
        _log.warning(
            "%s runs %d of the model's %d operations, other processors the rest",
            name_of(wanted),
            counts[wanted],
            total,
        )


def _num_operations(session: onnxruntime.InferenceSession) -> Counter[str]:
    """Number of operations per provider; if unknown, all count for the preferred provider."""
    providers: list[str] = session.get_providers()
    assignment = getattr(session, "get_provider_graph_assignment_info", None)
    if assignment is None:  # before onnxruntime 1.24
        return Counter(providers[:1])
    counts: Counter[str] = Counter()
    for part in assignment():
        counts[part.ep_name] += len(part.get_nodes())
    return counts


def words_of(error: Exception) -> str:
    """The message of an onnxruntime error: its first line, without the source location."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    line = lines[0].rsplit("Status Message: ", 1)[-1]
    return re.sub(r"^\S+\.(?:cc|h):\d+ [^()]*\([^()]*\) ", "", line).strip()
