"""The contract of a third-party model, from its layers and from what the user specifies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from rtaction.errors import ExportError, ModelSpecError, UsageError
from rtaction.export.contract.adapted import scales_pixels_itself
from rtaction.export.contract.scales import SCALES, Scale, scale_named
from rtaction.export.keras.graph import FlatModel
from rtaction.export.options import ContractOptions
from rtaction.modality import USUAL_MODALITY
from rtaction.model_spec import ModelSpec

SPEC_NAME = "model_spec.json"


def contract_of(
    model: FlatModel, options: ContractOptions, spec_path: Path, *, is_named: bool
) -> ModelSpec:
    """The contract of a model.

    Args:
        model: a Keras model, flattened.
        options: contract fields set by the user; they override the file.
        spec_path: a contract file, which may be missing.
        is_named: whether the user gave that path, so that it must exist.

    Raises:
        ModelSpecError: something is missing; the message names the options that supply it.
        ExportError: the model does not map clips to scores.
    """
    require_clips_to_scores(model)
    if is_named or spec_path.exists():
        return changed(ModelSpec.load(spec_path), options)
    missing = _missing(model, options)
    if missing:
        raise ModelSpecError(
            f"the model has no contract file ({spec_path}); provide it, or add: "
            f"{'; '.join(missing)}"
        )
    own = model.inputs[0].shape[1:4]
    said = (options.frames, *(options.size_hw or (None, None)))
    frames, height, width = (a or b for a, b in zip(own, said, strict=True))
    spec = ModelSpec(
        labels=options.labels or (),
        frames_per_clip=frames,
        clip_seconds=options.clip_seconds or 0.0,
        height=height,
        width=width,
        modality=options.modality or _usual_modality(model),
    )
    return changed(spec, options)


def scales_of(model: FlatModel, options: ContractOptions) -> list[Scale | None]:
    """The pixel scaling for each input; None where the model scales by itself.

    Raises:
        ModelSpecError: the model does not scale, and `options.scale` is not given.
        UsageError: `options.scale` does not fit the inputs.
    """
    channels = [one.shape[-1] for one in model.inputs]
    if options.scale is None:
        if scales_pixels_itself(model):
            return [None] * len(channels)
        raise ModelSpecError(f"the model does not define its pixel range; add {_scale_option()}")
    names = options.scale.split(",")
    if len(names) == 1:
        names *= len(channels)
    if len(names) != len(channels):
        raise UsageError(
            f"--scale must be one name, or one for each of {len(channels)} inputs separated by "
            f"commas, got {options.scale!r}"
        )
    return [scale_named(one, channels=n) for one, n in zip(names, channels, strict=True)]


def require_clips_to_scores(model: FlatModel) -> None:
    """Check that a model maps clips to scores.

    Raises:
        ExportError: it takes or outputs something else.
    """
    shapes = [tuple(one.shape[1:]) for one in model.inputs]
    gives = [tuple(one.shape[1:]) for one in model.outputs]
    if not all(len(shape) == 4 for shape in shapes) or [len(one) for one in gives] != [1]:
        raise ExportError(
            "expected a model from clips (frames, height, width, channels) to one row of scores, "
            f"got {_joined(shapes)} to {_joined(gives)}"
        )
    if len({shape[:3] for shape in shapes}) > 1:
        raise ExportError(
            "the clips of a model with several inputs must have the same frames, height and width, "
            f"got {_joined(shapes)}"
        )
    fixed = [one.shape[0] for one in model.inputs if one.shape[0] is not None]
    if fixed or any(shape[3] is None for shape in shapes):
        got = f"a batch size of {fixed[0]}" if fixed else "a free number of channels"
        raise ExportError(
            f"expected a free batch size and a fixed number of channels, got {got}; build the "
            "model with keras.Input((frames, height, width, channels))"
        )


def changed(spec: ModelSpec, options: ContractOptions) -> ModelSpec:
    """A contract with the fields set by the user."""
    names = ("labels", "clip_seconds", "modality", "resize", "background_label", "threshold")
    said = {name: getattr(options, name) for name in names}
    return replace(spec, **{name: value for name, value in said.items() if value is not None})


def _missing(model: FlatModel, options: ContractOptions) -> list[str]:
    scores = model.outputs[0].shape[-1]
    frames, height, width = model.inputs[0].shape[1:4]
    what = f"for its {scores} scores, in order"
    if scores == 1:
        what = "the label of a low score, then that of a high score"
    missing = {
        f"--labels {','.join('abcdefghij'[: max(scores, 2)])} ({what})": options.labels is None,
        "--clip-seconds (time from a clip's first frame to its last)": options.clip_seconds is None,
        _scale_option(): options.scale is None and not scales_pixels_itself(model),
        "--modality (what its channels are, such as rgb+flow)": not (
            options.modality or _usual_modality(model)
        ),
        "--frames (it takes clips of any length)": frames is None and options.frames is None,
        "--size HEIGHTxWIDTH (it takes frames of any size)": None in (height, width)
        and options.size_hw is None,
    }
    return [option for option, is_missing in missing.items() if is_missing]


def _scale_option() -> str:
    return (
        f"--scale {'|'.join(SCALES)} (the pixel range it was trained on; it does not start with "
        "a Rescaling or Normalization layer)"
    )


def _usual_modality(model: FlatModel) -> str:
    """The modality implied by the channels; empty if they are ambiguous."""
    names = [USUAL_MODALITY.get(one.shape[-1], "") for one in model.inputs]
    return "+".join(names) if all(names) and len(set(names)) == len(names) else ""


def _joined(shapes: list[tuple[Any, ...]]) -> str:
    return " and ".join(map(str, shapes))
