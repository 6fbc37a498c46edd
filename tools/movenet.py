"""MoveNet as ONNX for any number of pictures: the network as it is, its last steps rebuilt.

The published graph for one person decodes the maps of one picture alone. Here the four maps are
read off it and decoded by the same arithmetic for a batch. This file knows nothing of packages or
of how weights are stored.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from onnx import ModelProto, numpy_helper

from rtaction.arrays import Float32Array
from rtaction.onnx_format.build import OPSET, Pieces, described, model_of
from rtaction.onnx_format.graph import part

PICTURES, POSES, PEOPLE = "pictures", "poses", "people"
NUM_JOINTS, MOST_PEOPLE = 17, 6
_INPUT, _OUTPUT = "input:0", "Identity:0"
_CALL = "StatefulPartitionedCall"
# Tensors of the published graph; maps have the shape (n, channels, rows, columns).
REGRESSION = f"{_CALL}/kpt_regress_0/conv2d_6/BiasAdd:0"  # from a person's centre to the joints
OFFSETS = f"{_CALL}/kpt_offset_0/conv2d_7/BiasAdd:0"  # from a cell to the joint in it
HEAT, CENTRES = f"{_CALL}/Sigmoid:0", f"{_CALL}/Sigmoid_1:0"
NEAR_MIDDLE = f"ConstantFolding/{_CALL}/truediv_2_recip:0"  # people in the middle are preferred
SOFTENING = f"{_CALL}/add_5/y:0"
CELL = f"{_CALL}/Reshape_13:0"  # side of a cell, as a share of the picture


def single_person(graph: Any, size: int, *, metadata: dict[str, str]) -> ModelProto:
    """Convert MoveNet Lightning or Thunder.

    Args:
        graph: a `tensorflow.GraphDef` from `tools.tfjs_graph.read_graph_model`.
        size: height and width of its pictures.
        metadata: texts by key.

    Returns:
        `pictures`, uint8 RGB (n, size, size, 3), to `poses`, float32 (n, 17, 3): y, x and score,
        0 to 1.
    """
    whole = converted(graph)
    # The graph begins by taking a batch apart, and knows of one picture in it.
    levels = next(node.output[0] for node in whole.graph.node if node.op_type == "Split")
    pieces = Pieces()
    pieces.cast(PICTURES, levels, np.float32)
    maps = [REGRESSION, OFFSETS, HEAT, CENTRES]
    network = part(whole, [described(levels, "float32", ["n", size, size, 3])], maps)
    pieces.extend(Pieces.of(network.graph))
    constants = {one.name: numpy_helper.to_array(one) for one in whole.graph.initializer}
    decode(pieces, constants, cells=math.isqrt(constants[NEAR_MIDDLE].size))
    return model_of(
        [pieces],
        name="movenet",
        inputs=[described(PICTURES, "uint8", ["n", size, size, 3])],
        outputs=[described(POSES, "float32", ["n", NUM_JOINTS, 3])],
        metadata=metadata,
    )


def several_people(graph: Any, *, metadata: dict[str, str]) -> ModelProto:
    """Convert MoveNet MultiPose.

    Args:
        graph, metadata: see `single_person`.

    Returns:
        `pictures`, uint8 RGB (1, h, w, 3) with h and w multiples of 32, to `people`, float32
        (1, 6, 56): y, x and score of 17 joints, then ymin, xmin, ymax, xmax and score of the
        person, 0 to 1.
    """
    whole = converted(graph)
    pieces = Pieces([], list(whole.graph.initializer))
    for node in whole.graph.node:
        node.input[:] = [PICTURES if name == _INPUT else name for name in node.input]
        node.output[:] = [PEOPLE if name == _OUTPUT else name for name in node.output]
        pieces.nodes.append(node)
    return model_of(
        [pieces],
        name="movenet",
        inputs=[described(PICTURES, "uint8", [1, "h", "w", 3])],
        outputs=[described(PEOPLE, "float32", [1, MOST_PEOPLE, 3 * NUM_JOINTS + 5])],
        metadata=metadata,
    )


def converted(graph: Any) -> ModelProto:
    """The published graph as tf2onnx converts it."""
    import tf2onnx

    model, _ = tf2onnx.convert.from_graph_def(
        graph, input_names=[_INPUT], output_names=[_OUTPUT], opset=OPSET
    )
    return ModelProto.FromString(model.SerializeToString())


def decode(pieces: Pieces, constants: dict[str, Any], *, cells: int) -> None:
    """Add the steps from the four maps to `POSES`.

    The surest centre, near the middle, says where joints are expected; each joint is where its own
    heat over its distance from there is largest, moved by the offset in that cell.

    Args:
        pieces: to add to.
        constants: `NEAR_MIDDLE`, `SOFTENING` and `CELL` of the published graph, by name.
        cells: rows and columns of the maps.
    """
    add, store = pieces.add, pieces.store
    area = cells * cells
    store("near middle", constants[NEAR_MIDDLE].reshape(1, area))
    store("softening", constants[SOFTENING])
    store("cell", constants[CELL].reshape(1, 1, 2))
    store("cells", _grid(cells))  # (1, area, 2)

    flat = pieces.reshape(CENTRES, "centres", [-1, area])
    add("Mul", [flat, "near middle"], "central")
    add("ArgMax", ["central"], "centre", axis=1, keepdims=1)  # (n, 1)
    pieces.reshape(REGRESSION, "regressions", [-1, 2 * NUM_JOINTS, area])
    _take(pieces, "regressions", "centre", "reach", [1, 2 * NUM_JOINTS, 1])  # (n, 34, 1)
    pieces.reshape("reach", "reaches", [-1, NUM_JOINTS, 2])
    store("first", [0], np.int64)
    add("Squeeze", ["cells", "first"], "rows and columns")  # (area, 2)
    add("Gather", ["rows and columns", "centre"], "where", axis=0)  # (n, 1, 2)
    add("Add", ["where", "reaches"], "expected")  # (n, 17, 2), in cells

    store("third", [2], np.int64)
    add("Unsqueeze", ["expected", "third"], "expected here")  # (n, 17, 1, 2)
    add("Sub", ["cells", "expected here"], "apart")  # (n, 17, area, 2)
    add("ReduceL2", ["apart"], "distances", axes=[3], keepdims=0)
    add("Add", ["distances", "softening"], "softened")
    pieces.reshape(HEAT, "heat", [-1, NUM_JOINTS, area])
    add("Div", ["heat", "softened"], "near heat")
    add("ArgMax", ["near heat"], "hottest", axis=2, keepdims=1)  # (n, 17, 1)
    add("GatherElements", ["heat", "hottest"], "scores", axis=2)  # (n, 17, 1)

    pieces.reshape(OFFSETS, "offsets", [-1, NUM_JOINTS, 2, area])
    add("Unsqueeze", ["hottest", "third"], "hottest of both")  # (n, 17, 1, 1)
    store("pairs", [1, 1, 2, 1], np.int64)
    add("Expand", ["hottest of both", "pairs"], "hottest pairs")
    add("GatherElements", ["offsets", "hottest pairs"], "offset", axis=3)  # (n, 17, 2, 1)
    pieces.reshape("offset", "shift", [-1, NUM_JOINTS, 2])
    add("Squeeze", ["hottest", "third"], "hottest cell")  # (n, 17)
    add("Gather", ["rows and columns", "hottest cell"], "found", axis=0)  # (n, 17, 2)
    add("Add", ["found", "shift"], "places")
    add("Mul", ["places", "cell"], "shares")
    add("Concat", ["shares", "scores"], POSES, axis=2)


def _take(pieces: Pieces, source: str, index: str, output: str, shape: list[int]) -> None:
    """The elements of (n, k, area) at one index each picture, (n, 1): shape (n, k, 1)."""
    axis = pieces.store(f"{output}/axis", [2], np.int64)
    pieces.add("Unsqueeze", [index, axis], f"{output}/index")
    wanted = pieces.store(f"{output}/shape", shape, np.int64)
    pieces.add("Expand", [f"{output}/index", wanted], f"{output}/indices")
    pieces.add("GatherElements", [source, f"{output}/indices"], output, axis=2)


def _grid(cells: int) -> Float32Array:
    """Row and column of each cell, float32 (1, cells * cells, 2)."""
    rows, columns = np.divmod(np.arange(cells * cells), cells)
    return np.stack([rows, columns], axis=-1)[np.newaxis].astype(np.float32)
