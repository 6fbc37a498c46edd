"""Divide a trained Keras model where the streaming runtime will cut it.

clip -> per-frame layers -> [layers] -> [GRU or LSTM -> [layers] -> ...] -> scores

A pass through the graph marks every tensor that holds, for each frame, a result of that frame
alone. Those that the rest of the model reads are the features of a frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from rtaction.errors import ExportError
from rtaction.export.keras.frame_rules import is_free_of_axes, treats_frames_alike
from rtaction.export.keras.graph import (
    FlatModel,
    Node,
    Program,
    Tensor,
    between,
    call_node,
    layers_called,
)
from rtaction.export.keras.recurrent import is_recurrent
from rtaction.export.keras.saved_model import SavedModel
from rtaction.keras_tensorflow import keras, tensorflow


@dataclass(frozen=True, eq=False, slots=True)
class Encoder:
    """The per-frame network.

    Args:
        clip: the model's input, (batch, frames, H, W, C).
        features: inputs of the head, each (batch, frames, ...).
        nodes: the calls that compute them.
    """

    clip: Tensor
    features: list[Tensor]
    nodes: list[Node]

    @property
    def num_features(self) -> int:
        """Number of features per frame."""
        return sum(prod(one.shape[2:]) for one in self.features)

    def __call__(self, frames: Any) -> Any:
        """Features, float32 (batch, num_features), of frames (batch, H, W, C)."""
        known = {id(self.clip): frames}
        for node in self.nodes:
            known[id(node.outputs[0])] = _call_for_one_frame(node, known)
        rows = [
            value if len(value.shape) == 2 else tensorflow.reshape(value, [-1, prod(one.shape[2:])])
            for one in self.features
            for value in [known[id(one)]]
        ]
        return rows[0] if len(rows) == 1 else tensorflow.concat(rows, axis=1)

    @property
    def layer_names(self) -> str:
        """Names and types of its layers, for error messages."""
        return Program([self.clip], self.features[0], self.nodes).layer_names


@dataclass(frozen=True, eq=False, slots=True)
class Recurrent:
    """A recurrent layer with an equivalent ONNX operation."""

    layer: Any
    source: Tensor
    target: Tensor


@dataclass(frozen=True, eq=False, slots=True)
class KerasParts:
    """A model divided into parts.

    Args:
        encoder: the per-frame network; None if the model cannot be divided.
        head: the steps from the encoder's features to scores, in order; without an encoder, from
            clips to scores.
        clip: the model's input.
        scores: the model's output.
        reason_for_whole: why it is not divided; empty if it is. Default "".
    """

    encoder: Encoder | None
    head: list[Program | Recurrent]
    clip: Tensor
    scores: Tensor
    reason_for_whole: str = ""


def divide(flat: FlatModel) -> KerasParts:
    """Divide a model into encoder and head.

    Args:
        flat: a model from one clip to one row of scores.

    Raises:
        ExportError: a layer cannot be exported; the message names it.
    """
    clip, scores = flat.inputs[0], flat.outputs[0]
    nodes = between(flat.nodes, [clip], [scores])
    _write_down_statistics(nodes)
    for node in nodes:
        _require_possible(node)
    alike, features = _frontier(nodes, clip)
    makers = between(alike, [clip], features)
    reason = _reason_for_whole(nodes, alike, features, clip)
    encoder = None if reason else Encoder(clip, features, makers)
    head = _head(nodes, [clip] if reason else features, scores)
    return KerasParts(encoder, head, clip, scores, reason)


def undivided(flat: FlatModel) -> KerasParts:
    """A model as a head alone, for one whose encoder is another file.

    Args:
        flat: a model from one input to one row of scores.

    Raises:
        ExportError: a layer cannot be exported; the message names it.
    """
    source, scores = flat.inputs[0], flat.outputs[0]
    nodes = between(flat.nodes, [source], [scores])
    _write_down_statistics(nodes)
    for node in nodes:
        _require_possible(node)
    return KerasParts(None, _head(nodes, [source], scores), source, scores)


def _write_down_statistics(nodes: list[Node]) -> None:
    """Convert statistics of Normalization layers to NumPy; tensors would become graph inputs."""
    for layer in layers_called(nodes):
        if isinstance(layer, keras.layers.Normalization):
            layer.mean, layer.variance = np.asarray(layer.mean), np.asarray(layer.variance)


def _frontier(nodes: list[Node], clip: Tensor) -> tuple[list[Node], list[Tensor]]:
    """The calls that process every frame separately, and those of their results that others use."""
    by_frame = {id(clip): clip}
    alike: list[Node] = []
    features: dict[int, Tensor] = {}
    for node in nodes:
        if all(id(one) in by_frame for one in node.input_tensors) and treats_frames_alike(node):
            alike.append(node)
            by_frame |= {id(one): one for one in node.outputs}
        else:
            features |= {id(one): one for one in node.input_tensors if id(one) in by_frame}
    return alike, list(features.values())


def _reason_for_whole(
    nodes: list[Node], alike: list[Node], features: list[Tensor], clip: Tensor
) -> str:
    mixing = next((node for node in nodes if not any(node is one for one in alike)), None)
    if mixing is None:
        return "no layer combines frames"
    if isinstance(mixing.operation, SavedModel):
        return "a SavedModel is a graph without layers; a .keras file of the model can be cut"
    if not all(_is_looked_at(alike, clip, one) for one in features):
        operation = mixing.operation
        return (
            f"layer {operation.name!r} ({type(operation).__name__}) looks at several frames at "
            "once before any layer with weights processes them separately"
        )
    return ""


def _is_looked_at(alike: list[Node], clip: Tensor, feature: Tensor) -> bool:
    """Whether a layer with weights computes a feature; plain pixels are not worth caching."""
    makers = between(alike, [clip], [feature])
    return any(getattr(node.operation, "weights", None) for node in makers)


def _head(nodes: list[Node], sources: list[Tensor], scores: Tensor) -> list[Program | Recurrent]:
    """Recurrent layers, with the steps that compute their inputs and the scores in between."""
    head: list[Program | Recurrent] = []
    known = list(sources)

    def reach(target: Tensor) -> None:
        if not any(one is target for one in known):
            head.append(_program(nodes, known, target))
            known.append(target)

    for node in between(nodes, sources, [scores]):
        if is_recurrent(node.operation) and len(node.input_tensors) == len(node.outputs) == 1:
            reach(node.input_tensors[0])
            head.append(Recurrent(node.operation, node.input_tensors[0], node.outputs[0]))
            known.append(node.outputs[0])
    reach(scores)
    return head


def _program(nodes: list[Node], known: list[Tensor], target: Tensor) -> Program:
    steps = between(nodes, known, [target])
    taken = {id(one) for node in steps for one in node.input_tensors}
    return Program([one for one in known if id(one) in taken], target, steps)


def _call_for_one_frame(node: Node, known: dict[int, Any]) -> Any:
    """Run one call on frames without the frame axis; where needed, an axis of size 1 is added."""
    if isinstance(node.operation, keras.layers.TimeDistributed):
        return node.operation.layer(known[id(node.input_tensors[0])])
    if is_free_of_axes(node):
        return call_node(node, known)
    with_axis = {id(one): known[id(one)][:, None] for one in node.input_tensors}
    return call_node(node, with_axis)[:, 0]


def _require_possible(node: Node) -> None:
    operation = node.operation
    called = f"layer {operation.name!r} ({type(operation).__name__})"
    if getattr(operation, "stateful", False) and isinstance(operation, keras.layers.RNN):
        raise ExportError(
            f"{called} is stateful, so its output depends on earlier clips; build it with "
            "stateful=False and load its weights"
        )
    if isinstance(operation, keras.layers.Masking):
        raise ExportError(
            f"{called} hides frames by their values, but live clips have no missing frames; "
            "train without it"
        )
