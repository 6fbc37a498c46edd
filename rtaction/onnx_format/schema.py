"""The part of the ONNX format that rtaction reads and writes, declared for protobuf.

Only the fields that checking, cutting and building need are declared; protobuf carries all others
through untouched. Their numbers are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_PACKAGE = "rtaction_onnx"
_ELEMENT_TYPES = {
    1: "float32",
    2: "uint8",
    3: "int8",
    6: "int32",
    7: "int64",
    9: "bool",
    10: "float16",
    11: "float64",
}
# message: {field: (number, type, repeated)}; a type in capitals is one of these messages.
_FIELDS: dict[str, dict[str, tuple[int, str, bool]]] = {
    "Model": {
        "ir_version": (1, "int64", False),
        "producer_name": (2, "string", False),
        "graph": (7, "Graph", False),
        "opset_import": (8, "OpsetId", True),
        "metadata_props": (14, "Entry", True),
        "training_info": (20, "Training", True),
        "functions": (25, "Function", True),
    },
    "OpsetId": {"domain": (1, "string", False), "version": (2, "int64", False)},
    "Training": {"initialization": (1, "Graph", False), "algorithm": (2, "Graph", False)},
    "Function": {
        "name": (1, "string", False),
        "input": (4, "string", True),
        "output": (5, "string", True),
        "node": (7, "Node", True),
        "domain": (10, "string", False),
        "attribute_proto": (11, "Attribute", True),
    },
    "Entry": {"key": (1, "string", False), "value": (2, "string", False)},
    "Graph": {
        "node": (1, "Node", True),
        "name": (2, "string", False),
        "initializer": (5, "Tensor", True),
        "input": (11, "ValueInfo", True),
        "output": (12, "ValueInfo", True),
        "value_info": (13, "ValueInfo", True),
        "sparse_initializer": (15, "SparseTensor", True),
    },
    "Node": {
        "input": (1, "string", True),
        "output": (2, "string", True),
        "name": (3, "string", False),
        "op_type": (4, "string", False),
        "attribute": (5, "Attribute", True),
        "domain": (7, "string", False),
    },
    "Attribute": {
        "name": (1, "string", False),
        "f": (2, "float", False),
        "i": (3, "int64", False),
        "t": (5, "Tensor", False),
        "g": (6, "Graph", False),
        "ints": (8, "int64", True),
        "tensors": (10, "Tensor", True),
        "graphs": (11, "Graph", True),
        "type": (20, "int32", False),
        "sparse_tensor": (22, "SparseTensor", False),
        "sparse_tensors": (23, "SparseTensor", True),
    },
    "Tensor": {
        "dims": (1, "int64", True),
        "data_type": (2, "int32", False),
        "name": (8, "string", False),
        "raw_data": (9, "bytes", False),
        "external_data": (13, "Entry", True),
        "data_location": (14, "int32", False),
    },
    "SparseTensor": {
        "values": (1, "Tensor", False),
        "indices": (2, "Tensor", False),
        "dims": (3, "int64", True),
    },
    "ValueInfo": {"name": (1, "string", False), "type": (2, "Type", False)},
    "Type": {"tensor_type": (1, "TensorType", False)},
    "TensorType": {"elem_type": (1, "int32", False), "shape": (2, "Shape", False)},
    "Shape": {"dim": (1, "Dim", True)},
    "Dim": {"dim_value": (1, "int64", False), "dim_param": (2, "string", False)},
}


@cache
def message_class(name: str) -> Any:
    """The protobuf class of one of the messages above, such as "Model"."""
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"{_PACKAGE}.{name}"))


def dims_of(value: Any) -> list[int]:
    """Sizes of a tensor, 0 where one is free."""
    return [max(dim.dim_value, 0) for dim in value.type.tensor_type.shape.dim]


def describe(value: Any) -> str:
    """A tensor as text, such as "clip: uint8 (batch, 5, 112, 112, 3)"."""
    tensor = value.type.tensor_type
    kind = _ELEMENT_TYPES.get(tensor.elem_type, f"type {tensor.elem_type}")
    dims = [
        dim.dim_param or str(size or "?")
        for dim, size in zip(tensor.shape.dim, dims_of(value), strict=True)
    ]
    text = f"{value.name}: {kind} ({', '.join(dims)})"
    # A file may be anyone's, and a terminal obeys some characters.
    return "".join(char if char.isprintable() else "?" for char in text)


@cache
def _pool() -> descriptor_pool.DescriptorPool:
    """A pool of our own, so that the real `onnx` package may be loaded beside it."""
    field_type = descriptor_pb2.FieldDescriptorProto
    scalars = {
        "string": field_type.TYPE_STRING,
        "bytes": field_type.TYPE_BYTES,
        "float": field_type.TYPE_FLOAT,
        "int32": field_type.TYPE_INT32,
        "int64": field_type.TYPE_INT64,
    }
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{_PACKAGE}.proto", package=_PACKAGE, syntax="proto2"
    )
    for message_name, message_fields in _FIELDS.items():
        message = file.message_type.add(name=message_name)
        for field_name, (number, kind, repeated) in message_fields.items():
            one = message.field.add(name=field_name, number=number)
            one.label = field_type.LABEL_REPEATED if repeated else field_type.LABEL_OPTIONAL
            if kind in scalars:
                one.type = scalars[kind]
            else:
                one.type, one.type_name = field_type.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool
