"""Adapt a trained model to rtaction's interface with layers before and after it.

Front: from one uint8 clip with pixels from 0 to 255, as cameras deliver them, to the pixel range
that the model was trained on; two clip inputs, such as pixels and flow, are slices of one clip.
Tail: one score per label.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rtaction.arrays import Float32Array, UInt8Array
from rtaction.errors import ModelSpecError
from rtaction.export.contract.scales import Scale
from rtaction.export.keras.graph import FlatModel, flat_model, layers_called
from rtaction.keras_tensorflow import keras
from rtaction.model_spec import ModelSpec

layers = keras.layers


@dataclass(frozen=True, eq=False, slots=True)
class Adapted:
    """A model before and after adaptation.

    Args:
        original: a `keras.Model` with one or several inputs of scaled clips.
        flat: the adapted model, from one uint8 clip to one score per label.
        scales: one per input of the original; None where its own layers scale.
        logits: whether a softmax or a sigmoid was added.
        notes: what was added, for the user.
        multi_label: whether each score stands for itself. Default False.
    """

    original: Any
    flat: FlatModel
    scales: list[Scale | None]
    logits: bool
    notes: list[str] = field(default_factory=list)
    multi_label: bool = False

    def truth(self, clips: UInt8Array) -> Float32Array:
        """Scores of the original model, with pixels scaled by NumPy instead of the tested graph.

        Args:
            clips: uint8 (num_clips, frames, height, width, channels).

        Returns:
            float32 (num_clips, num_labels).
        """
        values, start = [], 0
        for tensor, scale in zip(self.original.inputs, self.scales, strict=True):
            stop = start + tensor.shape[-1]
            pixels = clips[..., start:stop]
            values.append(
                pixels.astype(tensor.dtype)
                if scale is None
                else scale.applied(pixels, tensor.dtype)
            )
            start = stop
        given = values[0] if len(values) == 1 else values
        scores = np.asarray(self.original.predict_on_batch(given), np.float32)
        is_one = scores.shape[1] == 1
        if self.logits and self.multi_label:
            return np.asarray(1 / (1 + np.exp(-scores)), np.float32)
        if self.logits:
            # sigmoid(z) is the softmax of (0, z).
            both = np.concatenate([np.zeros_like(scores), scores], axis=1) if is_one else scores
            powers = np.exp(both - both.max(axis=1, keepdims=True))
            return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)
        return np.concatenate([1 - scores, scores], axis=1) if is_one else scores


def adapted(
    original: Any,
    flat: FlatModel,
    spec: ModelSpec,
    scales: Sequence[Scale | None],
    *,
    logits: bool | None = None,
) -> Adapted:
    """Add front and tail to a model.

    Args:
        original: a `keras.Model`.
        flat: the same model, flattened.
        spec: the contract, which gives the clip shape.
        scales: one per input of the model; None where its own layers scale.
        logits: whether its scores still need a softmax. Default None: inferred from its last
            layer.

    Raises:
        ModelSpecError: the contract does not fit the model.
    """
    check_spec(flat, spec)
    clip = keras.Input(spec.clip_shape, dtype="uint8", name="clip")
    sources, start = [], 0
    for tensor, scale in zip(flat.inputs, scales, strict=True):
        stop = start + tensor.shape[-1]
        part = clip if len(flat.inputs) == 1 else clip[..., start:stop]
        sources.append(_front(part, scale, tensor.dtype))
        start = stop
    if logits is None:
        logits = gives_logits(flat)
    scores = flat.called_on(sources)
    notes, is_one = [], scores.shape[-1] == 1
    if logits:
        added = "sigmoid" if is_one or spec.multi_label else "softmax"
        notes.append(f"added a {added}, since the last layer has no activation")
        scores = layers.Activation(added)(scores)
    if is_one:
        notes.append(f"its single score p becomes {spec.labels[1]!r}; {spec.labels[0]!r} is 1 - p")
        scores = layers.Concatenate()([1.0 - scores, scores])
    if len(flat.inputs) > 1:
        notes.append(f"merged its {len(flat.inputs)} inputs into one of {spec.channels} channels")
    return Adapted(
        original,
        flat_model([clip], scores),
        list(scales),
        logits,
        notes,
        multi_label=spec.multi_label,
    )


def check_spec(model: FlatModel, spec: ModelSpec) -> None:
    """Check that a contract fits a model.

    Raises:
        ModelSpecError: it does not fit.
    """
    channels = sum(one.shape[-1] for one in model.inputs)
    takes = [tuple(one.shape[1:-1]) for one in model.inputs]
    fits = all(
        size in (None, wanted)
        for shape in takes
        for size, wanted in zip(shape, spec.clip_shape[:-1], strict=True)
    )
    if not fits or channels != spec.channels:
        shapes = " and ".join(str(tuple(one.shape[1:])) for one in model.inputs)
        raise ModelSpecError(
            f"the contract specifies clips of shape {spec.clip_shape}, but the model takes {shapes}"
        )
    gives = tuple(model.outputs[0].shape[1:])
    may_be_one = len(spec.labels) == 2 and not spec.multi_label
    if gives not in ((len(spec.labels),), (1,) if may_be_one else None):
        raise ModelSpecError(
            f"the contract has {len(spec.labels)} labels, but the model outputs shape {gives}"
        )


def scales_pixels_itself(model: FlatModel) -> bool:
    """Whether a model takes pixels from 0 to 255, judging by its input dtype and first layers."""
    if all(one.dtype in ("uint8", "int32", "int64") for one in model.inputs):
        return True
    for layer in layers_called(model.nodes):
        holds_others = hasattr(layer, "layer") or isinstance(layer, keras.Model)
        scales = isinstance(layer, layers.Rescaling | layers.Normalization)
        if scales or (getattr(layer, "weights", None) and not holds_others):
            return scales
    return False


def gives_logits(flat: FlatModel) -> bool:
    """Whether the last layer is a Dense layer without activation."""
    last = [n.operation for n in flat.nodes if any(t is flat.outputs[0] for t in n.outputs)]
    return any(
        isinstance(one, layers.Dense) and one.activation is keras.activations.linear for one in last
    )


def _front(part: Any, scale: Scale | None, dtype: str) -> Any:
    if scale is None or scale.is_identity:
        return part if part.dtype == dtype else keras.ops.cast(part, dtype)
    if scale.is_bgr:
        part = part[..., ::-1]
    factors, offsets = [1 / s for s in scale.std], [-m / s for m, s in _pairs(scale)]
    short = len(factors) == len(offsets) == 1
    return layers.Rescaling(*((factors[0], offsets[0]) if short else (factors, offsets)))(part)


def _pairs(scale: Scale) -> list[tuple[float, float]]:
    size = max(len(scale.mean), len(scale.std))
    mean, std = (np.broadcast_to(one, size).tolist() for one in (scale.mean, scale.std))
    return list(zip(mean, std, strict=True))
