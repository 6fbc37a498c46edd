"""Build a file that takes raw camera frames, for runtimes without OpenCV.

Resizing is linear in the pixels of each row and each column, so one matrix resizes the rows of a
frame and another its columns. The graph computes both from the frame size to match
`rtaction.video.pixels.prepare_image`: area averaging if both sides shrink, else linear
interpolation; of the center for "crop", with black borders for "letterbox".

Measured against OpenCV 5, pixels differ by at most 1 of 255: 0.1 percent of them when shrinking
(1.4 percent to an exact half or third), 12 percent when enlarging, since OpenCV interpolates with
11 bits. It takes three times as long as OpenCV.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper, parser

from rtaction.errors import UsageError
from rtaction.model_spec import METADATA_KEY, ModelSpec
from rtaction.onnx_format.build import bytes_of, described, require_valid
from rtaction.onnx_format.file import CAMERA_KEY, OnnxFile
from rtaction.onnx_format.graph import part

CAMERA = "camera"
"""Name of the input: uint8 RGB (batch, F, height, width, 3)."""

# In float64, so that rounding does not shift fractional positions to another pixel.
_SIZES = """
dims = Shape ({camera})
height_in = Gather <axis = 0> (dims, two_i)
width_in = Gather <axis = 0> (dims, three_i)
height = Cast <to = 11> (height_in)
width = Cast <to = 11> (width_in)
"""
_CROP = """
rows_fit = Div (height, rows)
columns_fit = Div (width, columns)
scale = Min (rows_fit, columns_fit)
"""
_LETTERBOX = """
rows_fit = Div (rows, height)
columns_fit = Div (columns, width)
scale = Min (rows_fit, columns_fit)
"""
# The centered part of {whole} with length {wanted} * scale.
_MIDDLE = """
{axis}_exact = Mul ({wanted}, scale)
{axis}_round = Round ({axis}_exact)
{axis}_most = Min ({axis}_round, {whole})
{axis}_length = Max ({axis}_most, one)
{axis}_rest = Sub ({whole}, {axis}_length)
{axis}_half = Mul ({axis}_rest, half)
{axis}_begin = Floor ({axis}_half)
"""
_SHRINKS = """
rows_shrink = Less ({rows_out}, {rows_in})
columns_shrink = Less ({columns_out}, {columns_in})
shrinks = And (rows_shrink, columns_shrink)
"""
# Output row i covers low to high in the input, where pixel j covers j to j + 1.
_MATRIX = """
{axis}_j_i = Range (zero_i, {size}_in, one_i)
{axis}_j = Cast <to = 11> ({axis}_j_i)
{axis}_j_end = Add ({axis}_j, one)
{axis}_i = Sub ({axis}_all, {out_begin})
{axis}_step = Div ({in_length}, {out_length})
{axis}_offset = Mul ({axis}_i, {axis}_step)
{axis}_low = Add ({axis}_offset, {in_begin})
{axis}_high = Add ({axis}_low, {axis}_step)
{axis}_from = Max ({axis}_low, {axis}_j)
{axis}_to = Min ({axis}_high, {axis}_j_end)
{axis}_overlap = Sub ({axis}_to, {axis}_from)
{axis}_covered = Max ({axis}_overlap, zero)
{axis}_area = Div ({axis}_covered, {axis}_step)
{axis}_sum = Add ({axis}_low, {axis}_high)
{axis}_middle = Mul ({axis}_sum, half)
{axis}_center = Sub ({axis}_middle, half)
{axis}_end = Add ({in_begin}, {in_length})
{axis}_last = Sub ({axis}_end, one)
{axis}_above = Max ({axis}_center, {in_begin})
{axis}_inside = Min ({axis}_above, {axis}_last)
{axis}_apart = Sub ({axis}_inside, {axis}_j)
{axis}_distance = Abs ({axis}_apart)
{axis}_near = Sub (one, {axis}_distance)
{axis}_linear = Max ({axis}_near, zero)
{axis}_either = Where (shrinks, {axis}_area, {axis}_linear)
{axis}_starts = GreaterOrEqual ({axis}_i, zero)
{axis}_ends = Less ({axis}_i, {out_length})
{axis}_is_shown = And ({axis}_starts, {axis}_ends)
{axis}_shown = Where ({axis}_is_shown, {axis}_either, zero)
{axis}_matrix = Cast <to = 1> ({axis}_shown)
"""
_FIT = """
picture_dims = Slice (dims, two_ix, five_ix)
flat_dims = Concat <axis = 0> (minus_one_ix, picture_dims)
pictures = Reshape ({camera}, flat_dims)
planes_i = Transpose <perm = [0, 3, 1, 2]> (pictures)
planes = Cast <to = 1> (planes_i)
rows_fitted = MatMul (rows_matrix, planes)
columns_turned = Transpose <perm = [1, 0]> (columns_matrix)
fitted = MatMul (rows_fitted, columns_turned)
rounded = Round (fitted)
"""
# Like cv2.cvtColor, in 14-bit fixed point.
_GRAY = """
weighed = Conv (rounded, gray_kernel, gray_bias)
shared = Div (weighed, gray_unit)
final = Floor (shared)
"""
_COLOUR = """
final = Identity (rounded)
"""
_DONE = """
final_i = Cast <to = 2> (final)
{frames} = Transpose <perm = [0, 2, 3, 1]> (final_i)
"""


def fuse_preprocessing(content: bytes, *, size_hw: tuple[int, int] | None = None) -> bytes:
    """Prepend the resizing of camera frames to a model.

    Args:
        content: an ONNX file with contract and boundary.
        size_hw: height and width of the camera's frames. Default None: any, taken from the input.

    Returns:
        An ONNX file: `camera` uint8 RGB (batch, F, height, width, 3) to the same scores, with the
        contract, and the frame size under `CAMERA_KEY`. rtaction itself rejects this file, since
        it resizes frames on its own.

    Raises:
        UsageError: the model needs motion, is not cut, or already has this step.
        ExportError: the result is not valid ONNX.
    """
    file = OnnxFile(content)
    spec = file.spec
    if spec.shows_motion:
        raise UsageError(
            f"--fuse-preprocessing needs a model of modality rgb or gray, but this one sees motion "
            f"({spec.modality}), which resizing alone does not compute"
        )
    if not file.is_cut:
        raise UsageError(
            "--fuse-preprocessing needs a model that is cut into encoder and head, but this one "
            f"runs whole{': ' * bool(file.reason_for_whole)}{file.reason_for_whole}"
        )
    boundary = file.boundary
    model = part(file.model, [boundary.frames], [file.score_name])
    nodes = _fitting_nodes(spec, boundary.frames)
    graph = model.graph
    rest = list(graph.node)
    for field in ("node", "input"):
        graph.ClearField(field)
    graph.node.extend([*nodes, *rest])
    camera = ["batch", spec.frames_per_clip, *(size_hw or ("height", "width")), 3]
    graph.input.append(described(CAMERA, "uint8", camera))
    graph.initializer.extend(_constants(spec))
    graph.value_info.extend(
        value
        for value in file.model.graph.value_info
        if value.name in (boundary.frames, boundary.frame_features, boundary.clip_features)
    )
    model.metadata_props.add(key=CAMERA_KEY, value="x".join(map(str, size_hw or ())) or "any")
    require_valid(model, "fused")
    return bytes_of(model)


def contract_of_camera_file(content: bytes) -> ModelSpec:
    """The contract in a file from `fuse_preprocessing`."""
    return ModelSpec.from_json(OnnxFile(content).metadata[METADATA_KEY])


def _fitting_nodes(spec: ModelSpec, frames: str) -> list[onnx.NodeProto]:
    """Nodes from `CAMERA` to the frames."""
    whole = {
        "rows": {"in_begin": "zero", "in_length": "height", "out_begin": "zero"},
        "columns": {"in_begin": "zero", "in_length": "width", "out_begin": "zero"},
    }
    text = _SIZES
    for axis, size in (("rows", "height"), ("columns", "width")):
        whole[axis] |= {"out_length": axis, "axis": axis, "size": size}
        middle = {"in": f"{axis}_begin", "length": f"{axis}_length"}
        if spec.resize == "crop":
            text += _CROP if axis == "rows" else ""
            text += _MIDDLE.format(axis=axis, wanted=axis, whole=size)
            whole[axis] |= {"in_begin": middle["in"], "in_length": middle["length"]}
        elif spec.resize == "letterbox":
            text += _LETTERBOX if axis == "rows" else ""
            text += _MIDDLE.format(axis=axis, wanted=size, whole=axis)
            whole[axis] |= {"out_begin": middle["in"], "out_length": middle["length"]}
    rows, columns = whole["rows"], whole["columns"]
    text += _SHRINKS.format(
        rows_out=rows["out_length"],
        rows_in=rows["in_length"],
        columns_out=columns["out_length"],
        columns_in=columns["in_length"],
    )
    text += _MATRIX.format(**rows) + _MATRIX.format(**columns) + _FIT
    text += (_GRAY if spec.base == "gray" else _COLOUR) + _DONE
    text = text.replace("{camera}", CAMERA).replace("{frames}", "FRAMES")
    graph = parser.parse_graph(f"fit (uint8[N] {CAMERA}) => (uint8[N] FRAMES) {{{text}}}")
    return [_renamed(node, frames) for node in graph.node]


def _renamed(node: onnx.NodeProto, frames: str) -> onnx.NodeProto:
    """Prefix its names with "fit/", so that they cannot clash with those of the model."""

    def name_of(name: str) -> str:
        return {CAMERA: CAMERA, "FRAMES": frames}.get(name, f"fit/{name}")

    node.input[:] = [name_of(name) for name in node.input]
    node.output[:] = [name_of(name) for name in node.output]
    node.name = f"fit/{node.op_type}/{node.output[0].removeprefix('fit/')}"
    return node


def _constants(spec: ModelSpec) -> list[onnx.TensorProto]:
    values: dict[str, object] = {
        "zero": np.float64(0),
        "half": np.float64(0.5),
        "one": np.float64(1),
        "rows": np.float64(spec.height),
        "columns": np.float64(spec.width),
        "rows_all": np.arange(spec.height, dtype=np.float64)[:, np.newaxis],  # (height, 1)
        "columns_all": np.arange(spec.width, dtype=np.float64)[:, np.newaxis],  # (width, 1)
        "zero_i": np.int64(0),
        "one_i": np.int64(1),
        "two_i": np.int64(2),
        "three_i": np.int64(3),
        "minus_one_ix": np.array([-1]),
        "two_ix": np.array([2]),
        "five_ix": np.array([5]),
    }
    if spec.base == "gray":
        weights = np.array([4899, 9617, 1868], np.float32)
        values["gray_kernel"] = weights.reshape(1, 3, 1, 1)
        values["gray_bias"] = np.array([8192], np.float32)
        values["gray_unit"] = np.float32(16384)
    return [numpy_helper.from_array(np.asarray(v), f"fit/{name}") for name, v in values.items()]
