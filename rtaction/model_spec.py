"""The contract between a trained network and the code that runs it.

`train` writes it next to the Keras model, `export` puts it into the ONNX file, `realtime` reads it
there. It is versioned JSON, so a file of another version is rejected instead of misread.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_args
from unicodedata import category

from rtaction.choices import Resize, Sampling
from rtaction.errors import ModelSpecError
from rtaction.modality import (
    Base,
    base_of,
    channels_of,
    parts_of,
    shows_closeup,
    shows_motion,
)
from rtaction.output_file import write_json
from rtaction.sampling import Stack, frame_interval_seconds
from rtaction.source_frames import stack_of

FORMAT_VERSION = 1
_WRITTEN_IF_SET = {"temperature", "multi_label"}
METADATA_KEY = "rtaction.model_spec"
"""Key of the contract in an ONNX file's `metadata_props`."""


@dataclass(frozen=True)
class ModelSpec:
    """Everything needed to feed a network and to read its scores.

    Args:
        labels: one per score, in order; at least two, all different, of printable characters.
        frames_per_clip: frames in a clip, at least 1. A modality that shows motion needs more
            frames of the source, see `frames_per_window`.
        clip_seconds: time from a clip's first frame to its last.
        height: height of a frame, in pixels.
        width: width of a frame, in pixels.
        modality: what a frame shows, such as "rgb", "gray", "diff" or "rgb+flow", see
            `rtaction.modality`. Default "rgb".
        sampling: how the training clips were taken: "sliding" windows of `clip_seconds`, "spread"
            over whole videos, or from equal "segments" of whole videos, where `clip_seconds` is
            their median length. Live windows are the same for all. Default "sliding".
        resize: how a source's frame is resized: "squash" without keeping the aspect ratio, "crop"
            to the centre, or "letterbox" with black bars. Default "squash".
        pixel_scaling: how the network itself scales pixels, for information only: the input is
            always uint8 0 to 255. Default "inside the model".
        background_label: the label that means *no action*, or None. Default None.
        threshold: score from which a label is shown. Default 0.5.
        label_thresholds: thresholds of single labels. Default none.
        temperature: what the network divides its logits by, so that its scores are calibrated;
            for information only, as it does so itself. Default 1.
        multi_label: whether each score stands for itself, as a clip may show several labels, or
            none; otherwise they are shares of one label. Default False.

    Raises:
        ModelSpecError: a value has the wrong type or is out of range.
    """

    labels: tuple[str, ...]
    frames_per_clip: int
    clip_seconds: float
    height: int
    width: int
    modality: str = "rgb"
    sampling: Sampling = "sliding"
    resize: Resize = "squash"
    pixel_scaling: str = "inside the model"
    background_label: str | None = None
    threshold: float = 0.5
    label_thresholds: Mapping[str, float] = field(default_factory=dict)
    temperature: float = 1.0
    multi_label: bool = False

    def __post_init__(self) -> None:
        labels = self.labels
        _require(
            len(labels) >= 2 and all(isinstance(label, str) and label for label in labels),
            f"labels must be at least two names, got {list(labels)}",
        )
        # Terminals obey control characters, and lone surrogates cannot be encoded.
        _require(
            not any(category(char) in ("Cc", "Cs") for label in labels for char in label),
            f"labels must not contain control characters, got {list(labels)}",
        )
        _require(len(set(labels)) == len(labels), f"labels must differ, got {list(labels)}")
        for name in ("frames_per_clip", "height", "width"):
            value = getattr(self, name)
            _require(_is_whole(value) and value >= 1, f"{name} must be 1 or more, got {value!r}")
        _require(
            _is_number(self.clip_seconds) and 0 < self.clip_seconds < 1e9,
            f"clip_seconds must be above 0, got {self.clip_seconds!r}",
        )
        _require(isinstance(self.modality, str), f"modality must be a name, got {self.modality!r}")
        try:
            parts_of(self.modality)
        except ValueError as error:
            raise ModelSpecError(f"model contract: {error}") from None
        for name, choices in (
            ("sampling", get_args(Sampling)),
            ("resize", get_args(Resize)),
        ):
            value = getattr(self, name)
            _require(value in choices, f"{name} must be one of {choices}, got {value!r}")
        _require(
            self.background_label is None or self.background_label in labels,
            f"background_label must be one of {list(labels)}, got {self.background_label!r}",
        )
        for label, value in [("threshold", self.threshold), *self.label_thresholds.items()]:
            _require(
                _is_number(value) and 0 <= value <= 1,
                f"threshold of {label!r} must be from 0 to 1, got {value!r}",
            )
        _require(
            _is_number(self.temperature) and 0 < self.temperature < 1e9,
            f"temperature must be above 0, got {self.temperature!r}",
        )
        _require(
            isinstance(self.multi_label, bool),
            f"multi_label must be true or false, got {self.multi_label!r}",
        )
        _require(
            not (self.multi_label and self.background_label is not None),
            f"with multi_label there is no background_label, got {self.background_label!r}: no "
            "action is when no label reaches its threshold",
        )
        unknown = set(self.label_thresholds) - set(labels)
        _require(not unknown, f"label_thresholds names unknown labels {sorted(unknown)}")

    @property
    def channels(self) -> int:
        """Number of channels of one frame of the network."""
        return channels_of(self.modality)

    @property
    def base(self) -> Base:
        """What a source's frame is converted to, before motion is computed."""
        return base_of(self.modality)

    @property
    def base_shape(self) -> tuple[int, int, int]:
        """(height, width, 3 or 1) of one frame of the source, before motion is computed."""
        return self.height, self.width, channels_of(self.base)

    @property
    def shows_motion(self) -> bool:
        """Whether a frame of the network needs frames before it."""
        return shows_motion(self.modality)

    @property
    def shows_closeup(self) -> bool:
        """Whether a frame of the network needs the detail of the source's frames."""
        return shows_closeup(self.modality)

    @property
    def stack(self) -> Stack | None:
        """The frames of the source that each frame of the network needs, if they are its own."""
        return stack_of(self.modality)

    @property
    def shows_whole_videos(self) -> bool:
        """Whether a clip of the training stood for a whole video."""
        return self.sampling != "sliding"

    @property
    def follows_people(self) -> bool:
        """Whether a window shows one person who is followed, rather than whole pictures."""
        return self.modality == "pose"

    @property
    def frame_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of one frame of the network."""
        return self.height, self.width, self.channels

    @property
    def clip_shape(self) -> tuple[int, int, int, int]:
        """(frames_per_clip, height, width, channels) of one clip."""
        return self.frames_per_clip, *self.frame_shape

    @property
    def frame_interval_seconds(self) -> float:
        """Time between two frames of a clip."""
        return frame_interval_seconds(self.frames_per_clip, self.clip_seconds)

    @property
    def frames_per_window(self) -> int:
        """Frames of the source in a clip: one more than `frames_per_clip` if it shows motion, or
        those of all stacks."""
        if self.stack is not None:
            return self.frames_per_clip * self.stack.num_frames
        return self.frames_per_clip + self.shows_motion

    @property
    def least_frames(self) -> int:
        """The fewest frames that a video can have to fill a window; stacks may share frames."""
        if self.stack is not None:
            return max(self.frames_per_clip, self.stack.num_frames)
        return self.frames_per_window

    @property
    def window_seconds(self) -> float:
        """Time from the first of those frames to the last."""
        if self.stack is not None:
            return self.clip_seconds + self.stack.span_seconds
        return self.clip_seconds + self.shows_motion * self.frame_interval_seconds

    def threshold_of(self, label: str) -> float:
        """Score from which `label` is shown."""
        return self.label_thresholds.get(label, self.threshold)

    def to_json(self) -> str:
        """One line of JSON, with keys in field order, `format_version` first."""
        values: dict[str, Any] = {"format_version": FORMAT_VERSION}
        values |= {f.name: getattr(self, f.name) for f in fields(self)}
        values["label_thresholds"] = dict(self.label_thresholds)
        if self.temperature == 1:  # versions that do not know it can read these
            del values["temperature"]
        if not self.multi_label:
            del values["multi_label"]
        return json.dumps(values, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str, *, where: str = "the contract") -> ModelSpec:
        """Parse the output of `to_json`.

        Args:
            text: the JSON.
            where: name of its origin for errors. Default "the contract".

        Raises:
            ModelSpecError: not JSON, an unknown version, a missing or unknown field, a bad value.
        """
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:  # too large a number, too deep a nesting
            raise ModelSpecError(f"{where} must be JSON, but {error}") from None
        if not isinstance(values, dict):
            raise ModelSpecError(f"{where} must be a JSON object, got {type(values).__name__}")
        version = values.pop("format_version", None)
        if version != FORMAT_VERSION:
            raise ModelSpecError(
                f"{where} must have format_version {FORMAT_VERSION}, got {version!r}; "
                "export the model again, or update rtaction"
            )
        known = {f.name for f in fields(cls)}
        missing = sorted(known - set(values) - _WRITTEN_IF_SET)
        unknown = sorted(set(values) - known)
        if missing or unknown:
            parts = [f"lacks {missing}"] * bool(missing) + [f"has unknown {unknown}"] * bool(
                unknown
            )
            raise ModelSpecError(f"{where} {' and '.join(parts)}; export the model again")
        _require(isinstance(values["labels"], list), f"{where}: labels must be a list")
        _require(
            isinstance(values["label_thresholds"], dict),
            f"{where}: label_thresholds must be an object",
        )
        return cls(**values | {"labels": tuple(values["labels"])})

    @classmethod
    def load(cls, path: Path) -> ModelSpec:
        """Read a `model_spec.json`.

        Raises:
            ModelSpecError: it is missing, or not a contract.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ModelSpecError(f"cannot read the contract {path}: {error}") from None
        return cls.from_json(text, where=str(path))

    def save(self, path: Path) -> None:
        """Write a `model_spec.json`, indented for people."""
        values = json.loads(self.to_json())
        write_json(path, values)


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise ModelSpecError(f"model contract: {message}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
