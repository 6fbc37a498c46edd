"""Models in parts, and sessions with options of a benchmark's own."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from rtaction.onnx_format.early_cast import cast_first
from rtaction.onnx_format.file import OnnxFile
from rtaction.realtime.model.devices import (
    TENSORRT,
    Provider,
    preload_libraries,
    tensorrt_options,
)

_RUNS = 3


class Parts:
    """A model file's encoder and head, and what goes into them.

    Args:
        path: an ONNX file that is cut.
    """

    def __init__(self, path: Path) -> None:
        self.name = path.stem
        self.file = OnnxFile.load(path)
        self.spec = self.file.spec
        boundary = self.file.boundary
        self.encoder = self.file.cut([boundary.frames], [boundary.frame_features])
        self.head = self.file.cut([boundary.clip_features], [self.file.score_name])

    def clips(self, num_clips: int) -> npt.NDArray[np.uint8]:
        """Noise, uint8, shape (num_clips, frames_per_clip, height, width, channels)."""
        shape = (num_clips, *self.spec.clip_shape)
        return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def session_on(
    content: bytes, providers: list[Provider], profile: Path | None = None, **changes: Any
) -> onnxruntime.InferenceSession:
    """A session with the runtime's options, but for the changes.

    Args:
        content: an ONNX file.
        providers: as of `providers_for`.
        profile: prefix of a profile's path. Default: no profile.
        changes: options of the preferred provider.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    if profile is not None:
        options.enable_profiling, options.profile_file_prefix = True, str(profile)
    (name, own), *others = providers
    preload_libraries(name)
    if name == TENSORRT:
        content = cast_first(content)
        cache, batches = tensorrt_options(content)
        own = own | cache | batches
    chosen = [(name, own | changes), *others]
    return onnxruntime.InferenceSession(content, options, providers=chosen, enable_fallback=0)


def run_profiled(
    content: bytes, providers: list[Provider], values: npt.NDArray[Any]
) -> tuple[Counter[str], Counter[str]]:
    """Run a network three times and read where its operations ran.

    Returns:
        Number of operations in one run, and microseconds in all runs, by provider.
    """
    with tempfile.TemporaryDirectory(prefix="rtaction-") as folder:
        session = session_on(content, providers, Path(folder) / "profile")
        name = session.get_inputs()[0].name
        for _ in range(_RUNS):
            session.run(None, {name: values})
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    counts: Counter[str] = Counter()
    micros: Counter[str] = Counter()
    for event in events:
        provider = event.get("args", {}).get("provider")
        if event.get("cat") == "Node" and provider and event["name"].endswith("_kernel_time"):
            counts[provider] += 1
            micros[provider] += event["dur"]
    return Counter({one: number // _RUNS for one, number in counts.items()}), micros
