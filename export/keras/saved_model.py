"""Load a SavedModel folder as a Keras model of one layer, if its graph only computes.

A SavedModel is a program of TensorFlow operations, some of which read and write files or call
Python; TensorFlow itself says to treat one as code (https://github.com/tensorflow/tensorflow/
blob/master/SECURITY.md). So its operations are vetted before TensorFlow loads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

from rtaction.errors import ExportError, ModelUnreadable, ModelUnsafe
from rtaction.keras_files.hdf5 import require_possible
from rtaction.keras_tensorflow import keras, op_def_registry, saved_model_pb2, tensorflow

SIGNATURE = "serving_default"
TRUST = "if you trust its author, add --trust to let its code run"

# Stateful, but they only compute or hold weights.
_HARMLESS = {
    *("VarHandleOp", "ReadVariableOp", "AssignVariableOp", "VarIsInitializedOp", "VariableV2"),
    *("PartitionedCall", "StatefulPartitionedCall", "While", "StatelessWhile", "If", "StatelessIf"),
    *("Case", "Placeholder", "PlaceholderWithDefault", "NoOp", "DisableCopyOnRead", "Assert"),
    *("TensorListFromTensor", "TensorListReserve", "TensorListStack", "TensorListSetItem"),
    *("RandomUniform", "RandomStandardNormal", "RandomUniformInt", "TruncatedNormal"),
    *(
        "CudnnRNN",
        "CudnnRNNV2",
        "CudnnRNNV3",
        "CudnnRNNBackprop",
        "CudnnRNNBackpropV2",
        "CudnnRNNBackpropV3",
        "Variable",
        "Assign",
        "_Retval",
        "_Arg",
    ),
}
# Rejected even if not declared stateful, as some operations that read files are not.
_HARMFUL = re.compile(
    r"File|Reader|Dataset|Iterator|Py(Func|thon)|^EagerPy|Print|Save|Restore|Checkpoint|Lookup|"
    r"HashTable|Socket|Rpc|Http|Remote|Summary|Debug|Shard|Temporary|Xla|TPU|^_Send|^_Recv|Bigtable|"
    r"Gcs|Library|TfLite|TRTEngine|Proto|Decode|Encode|Abort|Barrier|Accumulator|BatchFunction|"
    r"Collective|Nccl|Example"
)
# Every SavedModel contains operations for checkpoints; loading does not call them.
_OF_SAVER = {"SaveV2", "RestoreV2", "MergeV2Checkpoints", "ShardedFilename"}


class SavedModel(keras.layers.Layer):  # type: ignore[misc]
    """The computation of a SavedModel.

    Args:
        function: from inputs by name to outputs by name.
        inputs: names of the inputs.
        output: name of the output.
        num_scores: size of the output's last axis.
    """

    def __init__(self, function: Any, inputs: list[str], output: str, num_scores: int) -> None:
        super().__init__(name="saved_model")
        self._function, self._inputs, self._output = function, inputs, output
        self._num_scores = num_scores

    def call(self, *clips: Any) -> Any:
        """Scores of clips: float32 (batch, num_scores)."""
        values = self._function(**dict(zip(self._inputs, clips, strict=True)))
        return tensorflow.reshape(values[self._output], [-1, self._num_scores])

    def compute_output_spec(self, *clips: Any) -> Any:
        """Shape and dtype of the scores."""
        return keras.KerasTensor((None, self._num_scores), dtype="float32")


def load_saved_model(folder: Path, *, trust: bool = False) -> Any:
    """Load a SavedModel.

    Args:
        folder: contains a `saved_model.pb`.
        trust: allow any operation. Default False.

    Returns:
        A `keras.Model` from clips to scores.

    Raises:
        ModelUnreadable: it is damaged or too large.
        ModelUnsafe: an operation does more than compute, and the file is not trusted.
        ExportError: it has no signature from clips to scores.
    """
    if not trust:
        require_harmless(folder)
    loaded = tensorflow.saved_model.load(folder)
    function = loaded.signatures.get(SIGNATURE)
    if function is None:
        raise ExportError(
            f"expected the signature {SIGNATURE!r} in {folder}, got {sorted(loaded.signatures)}; "
            "write it with model.export()"
        )
    specs = function.structured_input_signature[1]
    clips = {name: one for name, one in specs.items() if one.shape.rank == 5}
    outputs = {n: one for n, one in function.structured_outputs.items() if one.shape.rank == 2}
    if not clips or len(clips) < len(specs) or len(outputs) != 1:
        raise ExportError(
            "expected a model from clips (batch, frames, height, width, channels) to one row of "
            f"scores, got {_shapes(specs)} to {_shapes(function.structured_outputs)} in {folder}"
        )
    fixed = [name for name, one in clips.items() if one.shape[0] is not None]
    if fixed:
        raise ExportError(
            f"{folder} takes {_shapes(clips)}, which has a fixed batch size; export it again with "
            "a free first axis"
        )
    ((output, given),) = outputs.items()
    layer = SavedModel(function, list(clips), output, given.shape[-1])
    layer.held = loaded  # a signature does not keep its variables alive
    names = {n: re.sub(r"\W", "_", n) for n in clips}
    sources = [
        keras.Input(tuple(one.shape[1:]), dtype=one.dtype.name, name=names[name])
        for name, one in clips.items()
    ]
    return keras.Model(sources, layer(*sources))


def require_harmless(folder: Path) -> None:
    """Vet all operations and files of a SavedModel.

    Raises:
        ModelUnreadable: it is damaged or too large.
        ModelUnsafe: an operation does more than compute, or it refers to files elsewhere.
    """
    for path in folder.rglob("*"):
        if path.is_symlink():
            raise ModelUnsafe(f"{path} is a link; expected regular files in the model's folder")
    file = folder / "saved_model.pb"
    require_possible(file.stat().st_size, str(file))
    try:
        stored = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    except DecodeError:
        raise ModelUnreadable(f"{file} is not a SavedModel, or is damaged") from None
    for graph in stored.meta_graphs:
        if graph.asset_file_def:
            raise ModelUnsafe(f"{folder} reads additional files; {TRUST}")
        if not graph.object_graph_def.nodes:
            raise ModelUnsafe(
                f"{folder} was written by TensorFlow 1, so loading it would run its graph; "
                f"export it with TensorFlow 2, or, {TRUST}"
            )
        _check_operations(graph, folder)


def _check_operations(stored: Any, folder: Path) -> None:
    graph = stored.graph_def
    # A function that objects of the model can call, such as a signature, is not a saver.
    savers = _savers(graph) - set(stored.object_graph_def.concrete_functions)
    declared = 0
    for function, node in _nodes(graph):
        if node.op in _OF_SAVER and (function in savers or function is None):
            continue
        definition = op_def_registry.get(node.op)
        is_function = any(node.op == one.signature.name for one in graph.library.function)
        unknown = definition is None and not is_function
        stateful = definition is not None and definition.is_stateful
        if node.op not in _HARMLESS and (unknown or stateful or _HARMFUL.search(node.op)):
            raise ModelUnsafe(
                f"{folder}: the graph contains the operation {node.op} ({node.name!r}), which does "
                f"more than compute; export the model without it, or, {TRUST}"
            )
        declared += _declared_bytes(node)
        require_possible(declared, str(folder))


def _savers(graph: Any) -> set[str]:
    """Functions that write or read checkpoints, and that no other function calls."""
    named = {
        one.signature.name
        for one in graph.library.function
        if re.match(r"__inference__traced_(save|restore)", one.signature.name)
    }
    called = {
        name
        for one in graph.library.function
        for node in one.node_def
        for attribute in node.attr.values()
        for name in [attribute.func.name, *(f.name for f in attribute.list.func), node.op]
    }
    return named - called


def _nodes(graph: Any) -> Iterator[tuple[str | None, Any]]:
    for node in graph.node:
        yield None, node
    for function in graph.library.function:
        for node in function.node_def:
            yield function.signature.name, node


def _declared_bytes(node: Any) -> int:
    """Memory needed for a node's stored or declared tensor, which may be compressed in the file."""
    if node.op == "VarHandleOp":
        shape = node.attr["shape"].shape
    elif node.op == "Const":
        shape = node.attr["value"].tensor.tensor_shape
    else:
        return 0
    return 4 * prod(max(int(dim.size), 1) for dim in shape.dim)


def _shapes(specs: Any) -> str:
    return ", ".join(f"{name} {tuple(one.shape)}" for name, one in specs.items()) or "nothing"
