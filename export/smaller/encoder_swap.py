"""Replace the encoder of an rtaction ONNX file with one that has the same input and output.

The file keeps its contract and its boundary, so it is cut at the same tensors as before.
"""

from __future__ import annotations

from collections.abc import Iterable

import onnx

from rtaction.errors import ExportError, UsageError
from rtaction.onnx_format.build import bytes_of, require_valid
from rtaction.onnx_format.file import OnnxFile
from rtaction.onnx_format.graph import copied

SMALLER_KEY = "rtaction.smaller"
"""Key in an ONNX file's `metadata_props` that describes how it was made smaller."""


def cut_encoder(content: bytes) -> bytes:
    """Cut out a file's encoder so that it can be made smaller.

    Args:
        content: an ONNX file with contract and boundary.

    Returns:
        An ONNX file: `frames` uint8 (batch, H, W, C) to features float32 (batch, num_features).

    Raises:
        UsageError: the file is already a smaller version, or has no boundary.
    """
    file = OnnxFile(content)
    done = file.metadata.get(SMALLER_KEY)
    if done is not None:
        raise UsageError(f"this model was already made smaller ({done}); use the float model")
    if not file.is_cut:
        raise UsageError(
            "only a model that is cut into encoder and head can be made smaller, but this one runs "
            f"whole{': ' * bool(file.reason_for_whole)}{file.reason_for_whole}"
        )
    return file.cut([file.boundary.frames], [file.boundary.frame_features])


def with_encoder(content: bytes, encoder: onnx.ModelProto, *, prefix: str, done: str) -> bytes:
    """Replace the encoder of a file.

    Args:
        content: an ONNX file with contract and boundary.
        encoder: replaces `cut_encoder(content)`; same input and output names.
        prefix: for all names inside the new encoder, such as "int8/".
        done: what was done, for `SMALLER_KEY`.

    Raises:
        ExportError: the head reads tensors inside the encoder, or the result is not valid ONNX.
    """
    file = OnnxFile(content)
    model = copied(file.model)
    encoder = onnx.compose.add_prefix(encoder, prefix, rename_inputs=False, rename_outputs=False)
    old = _made_by(onnx.ModelProto.FromString(cut_encoder(content)).graph.node)
    features = file.boundary.frame_features
    rest = [node for node in model.graph.node if old.isdisjoint(node.output)]
    read = {name for node in rest for name in node.input} & old
    if read - {features}:
        raise ExportError(
            f"the encoder cannot be replaced: the head must read only {features!r} from it, but "
            f"also reads {sorted(read - {features})}"
        )
    # Keep the order: nodes that feed the encoder, the encoder, nodes that read its features.
    ends = next(n for n, node in enumerate(model.graph.node) if features in node.output)
    position = sum(old.isdisjoint(node.output) for node in model.graph.node[:ends])
    nodes = [*rest[:position], *encoder.graph.node, *rest[position:]]
    used = {name for node in nodes for name in node.input}
    weights = [*model.graph.initializer, *encoder.graph.initializer]
    values = [value for value in model.graph.value_info if value.name not in old - {features}]
    for field, kept in (
        ("node", nodes),
        ("initializer", [tensor for tensor in weights if tensor.name in used]),
        ("value_info", values),
    ):
        model.graph.ClearField(field)
        getattr(model.graph, field).extend(kept)
    _add_operator_sets(model, encoder)
    model.metadata_props.add(key=SMALLER_KEY, value=done)
    require_valid(model, "smaller")
    return bytes_of(model)


def _made_by(nodes: Iterable[onnx.NodeProto]) -> set[str]:
    return {name for node in nodes for name in node.output if name}


def _add_operator_sets(model: onnx.ModelProto, encoder: onnx.ModelProto) -> None:
    """Import the operator sets of the new nodes, each once: duplicates break later tools."""
    needed = {node.domain for node in encoder.graph.node}
    known = {one.domain for one in model.opset_import}
    model.opset_import.extend(one for one in encoder.opset_import if one.domain in needed - known)
