"""What must hold of a converted graph, beyond computing the right thing.

A loop cannot be cut, and a ConvNet that stands in the graph once for each frame is computed anew
for every window. Both give right scores, so no comparison of scores would notice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import onnx
from onnx import AttributeProto, NodeProto

from rtaction.errors import ExportError
from rtaction.export.keras.graph import layers_called
from rtaction.export.keras.parts import KerasParts
from rtaction.export.keras.saved_model import SavedModel

_LOOPS = {"Loop", "Scan", "If"}
_COSTLY = {"Conv", "ConvTranspose", "Gemm", "MatMul"}


def check_structure(model: onnx.ModelProto, parts: KerasParts) -> None:
    """Refuse a graph with loops, or one whose network of a frame stands in it more than once.

    A SavedModel is taken as it is: its layers are not known.

    Args:
        model: the converted one.
        parts: what it was made of.

    Raises:
        ExportError: it has such a part; the text says which operation.
    """
    if any(isinstance(one, SavedModel) for one in _layers(parts)):
        return
    loops = sorted({node.op_type for node in _all_nodes(model.graph.node)} & _LOOPS)
    if loops:
        raise ExportError(
            f"the converted graph has {' and '.join(loops)} in it, which cannot be cut: one "
            "of the layers loops or branches on data: build the model without it"
        )
    if parts.encoder is None:
        return
    calls = Counter(id(layer) for layer in _layers(parts))
    most = max(calls.values())
    weights = {tensor.name for tensor in model.graph.initializer}
    for name, uses in Counter(_uses(model.graph.node, weights)).items():
        if name.startswith("encoder/") and uses > most:
            raise ExportError(
                f"the weights {name} stand in {uses} operations of the converted graph, and their "
                f"layer is called {most} times at most; each frame would cost that much more"
            )


def _uses(nodes: Any, weights: set[str]) -> Iterator[str]:
    for node in nodes:
        if node.op_type in _COSTLY:
            yield from (name for name in node.input if name in weights)


def _all_nodes(nodes: Any) -> Iterator[NodeProto]:
    for node in nodes:
        yield node
        for attribute in node.attribute:
            if attribute.type == AttributeProto.GRAPH:
                yield from _all_nodes(attribute.g.node)


def _layers(parts: KerasParts) -> Iterator[Any]:
    """The layer of each call, those within TimeDistributed and in models among them."""
    nodes = list(parts.encoder.nodes) if parts.encoder else []
    for part in parts.head:
        nodes += getattr(part, "nodes", [])
    return layers_called({id(node): node for node in nodes}.values())
