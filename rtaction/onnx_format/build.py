"""ONNX graphs, written without the `onnx` package.

Pieces only: nodes, stored tensors and descriptions of tensors become the bytes of a file. This file
knows nothing of contracts or of networks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.onnx_format.schema import message_class

OPSET_VERSION = 17
IR_VERSION = 8  # of the same year as the opset; every onnxruntime since 1.12 reads both

ELEMENT_TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int64": 7}
"""What can be stored, as ONNX numbers it."""
_FLOAT, _INT, _INTS = 1, 2, 7  # AttributeProto.AttributeType

Attribute = int | float | Sequence[int]


def node(op_type: str, inputs: Sequence[str], output: str, **attributes: Attribute) -> Any:
    """One operation.

    Args:
        op_type: its name in ONNX's default domain, such as "Conv".
        inputs: names of what it reads; "" for an input left out.
        output: name of what it makes; the operation itself bears the same name.
        **attributes: whole numbers, fractions, or rows of whole numbers.

    Returns:
        The message "Node" of `rtaction.onnx_format.schema`.
    """
    made = message_class("Node")(op_type=op_type, name=output, input=inputs, output=[output])
    for name, value in attributes.items():
        attribute = made.attribute.add(name=name)
        if isinstance(value, int):
            attribute.type, attribute.i = _INT, value
        elif isinstance(value, float):
            attribute.type, attribute.f = _FLOAT, value
        else:
            attribute.type = _INTS
            attribute.ints.extend(value)
    return made


def stored(name: str, values: npt.ArrayLike) -> Any:
    """A stored tensor.

    Args:
        name: what operations call it.
        values: of one of the `ELEMENT_TYPES`.

    Returns:
        The message "Tensor".
    """
    array = np.asarray(values)
    kind = ELEMENT_TYPES[array.dtype.name]
    little_endian = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return message_class("Tensor")(
        name=name, data_type=kind, dims=array.shape, raw_data=little_endian.tobytes()
    )


def described(name: str, kind: str, dims: Sequence[int | str]) -> Any:
    """Kind and sizes of a tensor.

    Args:
        name: of the tensor.
        kind: one of the `ELEMENT_TYPES`.
        dims: its sizes; a name stands for one that is free.

    Returns:
        The message "ValueInfo".
    """
    made = message_class("ValueInfo")(name=name)
    made.type.tensor_type.elem_type = ELEMENT_TYPES[kind]
    made.type.tensor_type.shape.SetInParent()  # no sizes at all is not the same as no shape
    for dim in dims:
        if isinstance(dim, int):
            made.type.tensor_type.shape.dim.add(dim_value=dim)
        else:
            made.type.tensor_type.shape.dim.add(dim_param=dim)
    return made


def model_bytes(
    *,
    name: str,
    nodes: Iterable[Any],
    tensors: Iterable[Any],
    inputs: Iterable[Any],
    outputs: Iterable[Any],
    inner: Iterable[Any] = (),
    metadata: Mapping[str, str] | None = None,
) -> bytes:
    """A whole file.

    Args:
        name: of the graph.
        nodes: see `node`, each after those whose results it reads.
        tensors: see `stored`.
        inputs: see `described`.
        outputs: see `described`.
        inner: descriptions of tensors between operations. Default none.
        metadata: texts by key. Default none.

    Returns:
        The same bytes for the same pieces.
    """
    model = message_class("Model")(ir_version=IR_VERSION, producer_name="rtaction")
    model.opset_import.add(domain="", version=OPSET_VERSION)
    graph = model.graph
    graph.name = name
    graph.node.extend(nodes)
    graph.initializer.extend(tensors)
    graph.input.extend(inputs)
    graph.output.extend(outputs)
    graph.value_info.extend(inner)
    for key, value in (metadata or {}).items():
        model.metadata_props.add(key=key, value=value)
    return bytes(model.SerializeToString(deterministic=True))
