"""Inputs and outputs of a third-party ONNX file, from the file itself and from options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, helper

from rtaction.errors import ExportError, UsageError
from rtaction.export.foreign.shapes import with_clip_dims
from rtaction.modality import channels_of, parts_of
from rtaction.onnx_format.file import OnnxFile
from rtaction.onnx_format.graph import copied
from rtaction.onnx_format.layout import LAYOUTS, Layout, possible_layouts

_MIN_OPSET = 8  # earlier versions lack NumPy-style broadcasting
_NUMBERS = {
    TensorProto.FLOAT,
    TensorProto.FLOAT16,
    TensorProto.DOUBLE,
    TensorProto.UINT8,
    TensorProto.INT32,
    TensorProto.INT64,
}


@dataclass(frozen=True, slots=True)
class Foreign:
    """A third-party model.

    Args:
        model: its graph, with all input sizes set except for the batch.
        layout: axis order of its input.
        was_guessed: whether the layout was inferred from the shape.
        dims: input shape, batch first; the batch is 0 if it is free.
        modality: what a frame shows.
        elem_type: of its input, a number of `TensorProto.DataType`.
    """

    model: ModelProto
    layout: Layout
    was_guessed: bool
    dims: tuple[int, ...]
    modality: str
    elem_type: int

    def size(self, axis: str) -> int:
        """Size of an axis, one of "f", "h", "w" and "c"."""
        return self.dims[self.layout.index(axis)]

    @property
    def dtype(self) -> npt.DTypeLike:
        """NumPy dtype of the input."""
        return helper.tensor_dtype_to_np_dtype(self.elem_type)

    @property
    def is_float(self) -> bool:
        """Whether it takes floats instead of integer pixels."""
        return bool(np.issubdtype(self.dtype, np.floating))


def read_foreign(
    file: OnnxFile,
    *,
    layout: str | None = None,
    num_frames: int | None = None,
    size_hw: tuple[int, int] | None = None,
    modality: str | None = None,
) -> Foreign:
    """Determine the input format of a file.

    Args:
        file: the file.
        layout: its axis order. Default None: inferred from its shape.
        num_frames: frames per clip, if the file leaves that free.
        size_hw: height and width of a frame, if the file leaves them free.
        modality: what a frame shows. Default None: "rgb" for 3 channels, "gray" for 1.

    Raises:
        UsageError: an option is missing, or contradicts the file.
        ExportError: its input is not a clip.
    """
    model = copied(file.model)
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    if len(inputs) != 1:
        raise ExportError(
            f"{file.where} must have one input, the clip, but has {len(inputs)}: "
            f"{'; '.join(file.inputs)}; export it without the others"
        )
    model.graph.ClearField("input")
    model.graph.input.extend(inputs)
    elem_type = inputs[0].type.tensor_type.elem_type
    dims = file.input_dims
    if len(dims) != 5 or elem_type not in _NUMBERS:
        raise ExportError(
            f"{file.where} must take clips of 5 axes (batch, frames, height, width, channels, in "
            f"some order) of numbers, but takes {file.inputs[0]}"
        )
    if dims[0] > 1:
        raise ExportError(
            f"{file.where} takes exactly {dims[0]} clips at once; export it with a free batch, in "
            "PyTorch with torch.onnx.export(..., dynamic_axes={'clip': {0: 'batch'}}), or with a "
            "batch of 1"
        )
    opset = max(
        (one.version for one in model.opset_import if one.domain in ("", "ai.onnx")), default=0
    )
    if opset < _MIN_OPSET:
        raise ExportError(
            f"{file.where} uses operator set {opset}, expected {_MIN_OPSET} or newer; export it "
            "again, or convert it with onnx.version_converter"
        )
    chosen = _layout(file, dims, layout, modality)
    sizes = _sizes(file, chosen, dims, num_frames, size_hw, modality)
    modality = modality or _modality(file, sizes[chosen.index("c")])
    batch: int | str = dims[0] or "batch"
    return Foreign(
        with_clip_dims(model, [batch, *sizes[1:]]),
        chosen,
        layout is None,
        sizes,
        modality,
        elem_type,
    )


def _layout(
    file: OnnxFile, dims: Sequence[int], layout: str | None, modality: str | None
) -> Layout:
    if layout is not None:
        for known in LAYOUTS:
            if layout == known:
                return known
        raise UsageError(f"--layout must be one of {', '.join(LAYOUTS)}, got {layout!r}")
    possible = possible_layouts(dims, channels=_channels(modality))
    if len(possible) != 1:
        reason = f"could be {' or '.join(possible)}" if possible else "fits no known layout"
        raise UsageError(
            f"{file.where} takes {file.inputs[0]}, which {reason}; set --layout to one of "
            f"{', '.join(LAYOUTS)} (n batch, f frames, h height, w width, c channels)"
        )
    return possible[0]


def _channels(modality: str | None) -> int | None:
    if modality is None:
        return None
    try:
        parts_of(modality)
    except ValueError as error:
        raise UsageError(f"--modality: {error}") from None
    return channels_of(modality)


def _sizes(
    file: OnnxFile,
    layout: Layout,
    dims: Sequence[int],
    num_frames: int | None,
    size_hw: tuple[int, int] | None,
    modality: str | None,
) -> tuple[int, ...]:
    """All sizes from the file and the options, which must agree."""
    height, width = size_hw or (None, None)
    given: dict[str, tuple[int | None, str]] = {
        "f": (num_frames, "--frames NUMBER"),
        "h": (height, "--size HEIGHTxWIDTH"),
        "w": (width, "--size HEIGHTxWIDTH"),
        "c": (_channels(modality), "--modality"),
    }
    sizes = [dims[0]]
    for axis, size in zip(layout[1:], dims[1:], strict=True):
        wanted, option = given[axis]
        if size and wanted and size != wanted:
            raise UsageError(
                f"{option.split()[0]} is {wanted}, but {file.where} has {size}: it takes "
                f"{file.inputs[0]} ({layout})"
            )
        if not size and not wanted:
            name = {"f": "number of frames", "c": "number of channels"}.get(axis, "size")
            raise UsageError(
                f"{file.where} leaves the {name} free ({file.inputs[0]}, {layout}); "
                f"set it with {option}"
            )
        sizes.append(size or wanted or 0)
    return tuple(sizes)


def _modality(file: OnnxFile, channels: int) -> str:
    known = {3: "rgb", 1: "gray"}
    if channels not in known:
        raise UsageError(
            f"{file.where} takes frames of {channels} channels; set --modality to what they show, "
            "such as rgb+diff"
        )
    return known[channels]


def last_operation(model: ModelProto, output: str) -> NodeProto | None:
    """The operation that computes an output, skipping those that only change shape or type."""
    makers = {name: node for node in model.graph.node for name in node.output}
    while (node := makers.get(output)) is not None:
        if node.op_type not in ("Identity", "Cast", "Reshape", "Squeeze", "Flatten", "Unsqueeze"):
            return node
        output = node.input[0]
    return None


def with_two_scores(foreign: Foreign) -> Foreign:
    """Give a network whose single score is that of the second of two labels two logits.

    The Softmax of (0, z) is (1 - Sigmoid(z), Sigmoid(z)).
    """
    model = copied(foreign.model)
    graph = model.graph
    output = graph.output[0].name
    maker = last_operation(model, output)
    logit = maker.input[0] if maker is not None and maker.op_type == "Sigmoid" else output
    zero, both = f"{logit}/zero", f"{logit}/both"
    graph.node.append(helper.make_node("Sub", [logit, logit], [zero]))
    graph.node.append(helper.make_node("Concat", [zero, logit], [both], axis=-1))
    graph.ClearField("output")
    graph.output.add(name=both)
    return replace(foreign, model=model)
