"""What a person says of a model from elsewhere, because the file cannot tell.

This file needs no Keras, as ONNX files are told the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rtaction.choices import Resize
from rtaction.errors import UsageError


@dataclass(frozen=True, slots=True)
class Given:
    """What a person says of a model. None, the default, is what was not said.

    Args:
        labels: one for each score, in order.
        clip_seconds: time from a clip's first picture to its last.
        scale: of pixels, a name of `rtaction.export.contract.scales.SCALES`; for a model with two
            inputs two of them, with a comma between.
        modality: what a picture shows, see `rtaction.modality`.
        resize: how a camera picture is fitted.
        background_label: the label that means *no action*.
        threshold: score from which a label is shown.
        frames: pictures in a clip, where the model takes any number.
        size_hw: of a picture in pixels, where the model takes any size.
        logits: whether scores are still to become probabilities.
    """

    labels: tuple[str, ...] | None = None
    clip_seconds: float | None = None
    scale: str | None = None
    modality: str | None = None
    resize: Resize | None = None
    background_label: str | None = None
    threshold: float | None = None
    frames: int | None = None
    size_hw: tuple[int, int] | None = None
    logits: bool | None = None


def read_labels(text: str) -> tuple[str, ...]:
    """Labels from `a,b,c`, or from a file with one on each line.

    Raises:
        UsageError: the file cannot be read.
    """
    path = Path(text)
    if "," in text or not path.is_file():
        return tuple(label.strip() for label in text.split(","))
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--labels: cannot read {path}: {error}") from None
    return tuple(line.strip() for line in lines if line.strip())
