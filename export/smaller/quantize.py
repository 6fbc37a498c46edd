"""Quantize the encoder to int8: smaller, and faster on CPUs.

Static quantization in ONNX's QDQ format: weights per output channel, activations to ranges measured
on the user's clips. The head with its recurrent layer is unchanged, as it is only a few percent of
the compute and the size. This file knows nothing about videos or labels.
"""

from __future__ import annotations

import logging
import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from rtaction.errors import ExportError, UsageError
from rtaction.export.agreement.onnx_run import runner
from rtaction.export.smaller.encoder_swap import cut_encoder, with_encoder
from rtaction.onnx_format.file import OnnxFile

Calibration = Literal["minmax", "percentile", "entropy"]

_METHODS = {
    "minmax": CalibrationMethod.MinMax,
    "percentile": CalibrationMethod.Percentile,
    "entropy": CalibrationMethod.Entropy,
}
_LAYERS = ("Conv", "Gemm", "MatMul")
_FLOAT_LAYERS = (0, 2, 5)
# EfficientNet-Lite0, trained on yoga poses, lost 3 points of accuracy at a change of 0.34, 1.5 at
# 0.2 and 0.5 at 0.16.
_MAX_CHANGE = 0.15
MAX_FRAMES = 256
_COMPARED_FRAMES = 32
_BATCH = 8


@dataclass(frozen=True, slots=True)
class WeightRange:
    """How many bits of a byte the weights use.

    Args:
        is_reduced: 7 bits instead of 8.
        reason: why, for the user.
    """

    is_reduced: bool
    reason: str


def weight_range_of(cpuinfo: str, machine: str) -> WeightRange:
    """The weight range that a CPU needs.

    x86 without VNNI accumulates two 8-bit products in 16 bits, which can overflow; with 7-bit
    weights it cannot.

    Args:
        cpuinfo: contents of Linux' /proc/cpuinfo; "" if there is none.
        machine: from `platform.machine`, such as "x86_64" or "aarch64".
    """
    if machine.lower() not in ("x86_64", "amd64", "i386", "i686", "x86"):
        return WeightRange(False, f"{machine} does not overflow")
    flags = {word for line in cpuinfo.splitlines() if line[:5] == "flags" for word in line.split()}
    found = sorted(flags & {"avx512_vnni", "avx_vnni", "amx_int8"})
    if found:
        return WeightRange(False, f"this CPU has {', '.join(found)}; one without may lose accuracy")
    if not flags:
        return WeightRange(True, "it is unknown whether this CPU has VNNI")
    return WeightRange(True, "this CPU has no VNNI, and 8 bits could overflow")


def weight_range_here() -> WeightRange:
    """The weight range that this machine's CPU needs."""
    path = Path("/proc/cpuinfo")
    return weight_range_of(path.read_text() if path.exists() else "", platform.machine())


def quantize(
    content: bytes,
    clips: npt.NDArray[np.uint8],
    *,
    reduce_range: bool | None = None,
    calibration: Calibration = "minmax",
    float_layers: int | None = None,
) -> bytes:
    """Make the encoder of a model int8. The same input gives the same bytes.

    Args:
        content: an ONNX file with contract and boundary.
        clips: uint8, shape (num_clips, frames_per_clip, height, width, channels), at least one,
            representative of the model's later input; 256 evenly spaced frames set the ranges.
        reduce_range: 7-bit weights, for x86 CPUs without VNNI. Default: what this machine needs.
        calibration: how to set the range of an activation: "minmax" uses all values, "percentile"
            drops the outermost 0.001 %, "entropy" minimizes the loss of information. Default
            "minmax": no other was measurably better, and it is three times as fast.
        float_layers: number of first convolution and dense layers kept in float. Default: the
            smallest of 0, 2 or 5 that preserves the features. Depthwise networks need it, since
            later layers cannot recover what the first ones lose.

    Returns:
        An ONNX file with the same contract, boundary, input and output.

    Raises:
        UsageError: the clips have another shape, or the file is already a smaller version.
        ExportError: onnxruntime cannot quantize it.
    """
    spec = OnnxFile(content).spec
    if clips.dtype != np.uint8 or clips.shape[1:] != spec.clip_shape or not len(clips):
        raise UsageError(
            f"expected at least one uint8 clip of shape {spec.clip_shape} to calibrate on, got "
            f"{clips.dtype} {clips.shape}"
        )
    frames = clips.reshape(-1, *spec.frame_shape)  # (num_clips * F, H, W, C)
    chosen = frames[_evenly(len(frames), MAX_FRAMES)]
    reduced = weight_range_here().is_reduced if reduce_range is None else reduce_range
    choices = _FLOAT_LAYERS if float_layers is None else (float_layers,)
    with TemporaryDirectory(prefix="rtaction-") as folder, _silence():
        quantizer = _Quantizer(cut_encoder(content), chosen, Path(folder), reduced, calibration)
        kept, encoder = quantizer.best_of(choices)
    done = (
        f"encoder int8, weights of {7 if reduced else 8} bits for each channel, ranges by "
        f"{calibration}, first {kept} layers float"
    )
    return with_encoder(content, encoder, prefix="int8/", done=done)


class _Quantizer:
    """Quantizes one encoder with a choice of layers kept in float."""

    def __init__(
        self,
        encoder: bytes,
        frames: npt.NDArray[np.uint8],
        folder: Path,
        reduced: bool,
        calibration: Calibration,
    ) -> None:
        original = folder / "original.onnx"
        self._encoder, self._frames, self._folder = encoder, frames, folder
        self._reduced, self._calibration = reduced, calibration
        self._folded = folder / "folded.onnx"
        # Pass a file: given a ModelProto, it moves the weights out and then cannot find them.
        original.write_bytes(encoder)
        with _as_export_errors():
            # Folds batch normalization into the preceding convolutions.
            quant_pre_process(original, self._folded, skip_symbolic_shape=True)
        self._graph = onnx.ModelProto.FromString(self._folded.read_bytes()).graph

    def best_of(self, choices: Sequence[int]) -> tuple[int, onnx.ModelProto]:
        """Quantize with more and more float layers until the features are preserved."""
        model = self.quantized(choices[0])
        for number, later in pairwise(choices):
            if self._change(model) <= _MAX_CHANGE:
                return number, model
            model = self.quantized(later)
        return choices[-1], model

    def quantized(self, float_layers: int) -> onnx.ModelProto:
        """Quantize the encoder except for its first layers."""
        result = self._folder / "int8.onnx"
        with _as_export_errors():
            quantize_static(
                self._folded,
                result,
                _Frames(self._graph.input[0].name, self._frames),
                per_channel=True,
                reduce_range=self._reduced,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=_METHODS[self._calibration],
                calibration_cache_path=self._folder / "ranges.json",
                nodes_to_exclude=self._first_nodes(float_layers),
                # Batch by batch: activations of all frames at once would not fit into memory.
                extra_options={"CalibStridedMinMax": 1},
            )
        return onnx.ModelProto.FromString(result.read_bytes())

    def _first_nodes(self, float_layers: int) -> list[str]:
        """The pixel scaling before the first layer, and the first layers."""
        layers = [node.name for node in self._graph.node if node.op_type in _LAYERS]
        names = [node.name for node in self._graph.node]
        scaling = names[: names.index(layers[0])] if layers else []
        return scaling + layers[:float_layers]

    def _change(self, model: onnx.ModelProto) -> float:
        """Distance of the features from the float ones, relative to their spread."""
        frames = self._frames[_evenly(len(self._frames), _COMPARED_FRAMES)]
        before, after = (
            runner(one)(frames)[0] for one in (self._encoder, model.SerializeToString())
        )
        spread = np.linalg.norm(before - before.mean(axis=0))
        return float(np.linalg.norm(after - before) / max(float(spread), 1e-9))


def _evenly(length: int, most: int) -> npt.NDArray[np.intp]:
    return np.unique(np.linspace(0, length - 1, most).round().astype(np.intp))


class _Frames(CalibrationDataReader):  # type: ignore[misc]
    """Frames in batches, for onnxruntime's calibration."""

    def __init__(self, name: str, frames: npt.NDArray[np.uint8]) -> None:
        self._name = name
        self._batches = [frames[start : start + _BATCH] for start in range(0, len(frames), _BATCH)]
        self._waiting = iter(self._batches)

    def __len__(self) -> int:
        return len(self._batches)

    def set_range(self, start_index: int, end_index: int) -> None:
        """Return these batches next."""
        self._waiting = iter(self._batches[start_index:end_index])

    def get_next(self) -> dict[str, Any] | None:
        """The next batch, or None."""
        batch = next(self._waiting, None)
        return None if batch is None else {self._name: batch}


@contextmanager
def _silence() -> Iterator[None]:
    """Suppress what the quantizer prints and logs about its steps."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with redirect_stdout(StringIO()):
            yield
    finally:
        logging.disable(before)


@contextmanager
def _as_export_errors() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # The quantizer raises many kinds of exceptions.
        raise ExportError(f"onnxruntime cannot quantize the encoder: {error}") from None
