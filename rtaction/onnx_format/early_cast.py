"""Turn bytes into numbers first thing in an ONNX graph, for engines that compute on no bytes.

TensorRT takes uint8 only as an input of the whole network, and only a Cast to float32 or float16
may read it (https://docs.nvidia.com/deeplearning/tensorrt, `DataType.UINT8`). An operation between
the two, such as a Transpose of the pictures, would be left to another processor.
"""

from __future__ import annotations

import onnx
from google.protobuf.message import DecodeError
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, helper

# These move numbers and compute nothing, so they give the same before and after a Cast.
_MOVES = {"Flatten", "Gather", "Identity", "Reshape", "Slice", "Squeeze", "Transpose", "Unsqueeze"}
_FLOATS = {TensorProto.FLOAT, TensorProto.FLOAT16}


def cast_first(content: bytes) -> bytes:
    """The same network, with a Cast to float32 right behind each uint8 input.

    Args:
        content: an ONNX file's bytes.

    Returns:
        A file with the same inputs, outputs and results; the one given, if that is so already, if
        something computes on bytes, or if it is no ONNX file.
    """
    try:
        model = onnx.load_from_string(content)
    except DecodeError:
        return content  # whoever opens it says what is wrong
    entries = [
        entry.name
        for entry in model.graph.input
        if entry.type.tensor_type.elem_type == TensorProto.UINT8
    ]
    moved = _moved_bytes(model, entries)
    if not moved:
        return content
    names = {name: f"{name}/as float" for name in entries}
    for node in model.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
    casts = [
        helper.make_node("Cast", [old], [new], to=TensorProto.FLOAT) for old, new in names.items()
    ]
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    kept = [value for value in model.graph.value_info if value.name not in moved]
    del model.graph.value_info[:]
    model.graph.value_info.extend(kept)
    return model.SerializeToString()


def _moved_bytes(model: ModelProto, entries: list[str]) -> set[str]:
    """The tensors of bytes between the inputs and their Casts; empty if there are none, or if not
    only moves and Casts read them."""
    bytes_so_far, found = set(entries), set[str]()
    if model.functions or any(map(_has_graph, model.graph.node)):
        return set()
    for node in model.graph.node:
        if bytes_so_far.isdisjoint(node.input):
            continue
        if node.op_type == "Cast":
            if _type_of(node) not in _FLOATS:
                return set()
        elif node.op_type in _MOVES and bytes_so_far.isdisjoint(node.input[1:]):
            bytes_so_far.update(node.output)
            found.update(node.output)
        else:
            return set()
    return set() if any(value.name in bytes_so_far for value in model.graph.output) else found


def _has_graph(node: NodeProto) -> bool:
    return any(one.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS) for one in node.attribute)


def _type_of(cast: NodeProto) -> int:
    return next(int(one.i) for one in cast.attribute if one.name == "to")
