"""What one training was asked to do; saved beside its result."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from rtaction.errors import UsageError
from rtaction.model_spec import Modality, Resize, Sampling
from rtaction.train.networks import NetworkName, Recurrent


@dataclass(frozen=True)
class TrainConfig:
    """Settings of a training.

    Args:
        videos: folder of folders, or a pattern with "{classname}".
        network: "light", "motion" or "convnet". Default "light".
        recurrent: "gru" or "lstm". Default "gru".
        sampling: "sliding" or "spread". Default "sliding".
        frames_per_clip: pictures in a clip. Default 5.
        clip_seconds: length of a sliding clip. Default 1.0.
        stride_seconds: time between two sliding clips of a video; None is half a clip. Default
            None.
        height: rows of a picture. Default 112.
        width: columns of a picture. Default 112.
        modality: "rgb" or "gray". Default "rgb".
        resize: "squash", "crop" or "letterbox". Default "squash".
        background_label: the label that means no action. Default None.
        group: regular expression that finds the group in a path. Default None.
        validation_groups: validate on just these groups. Default (), by fraction.
        validation_fraction: share of videos to validate on. Default 0.2.
        test_fraction: share of videos to test on. Default 0.0.
        epochs: at most so many. Default 60.
        batch_size: clips in a batch. Default 16.
        learning_rate: of Adam, at the start. Default 1e-3.
        dropout: share of values dropped while training. Default 0.5.
        patience: epochs without a better validation loss before the end; a third of it before the
            learning rate is divided by four. Default 12.
        seed: of split, weights and order. Default 0.
    """

    videos: str
    network: NetworkName = "light"
    recurrent: Recurrent = "gru"
    sampling: Sampling = "sliding"
    frames_per_clip: int = 5
    clip_seconds: float = 1.0
    stride_seconds: float | None = None
    height: int = 112
    width: int = 112
    modality: Modality = "rgb"
    resize: Resize = "squash"
    background_label: str | None = None
    group: str | None = None
    validation_groups: tuple[str, ...] = ()
    validation_fraction: float = 0.2
    test_fraction: float = 0.0
    epochs: int = 60
    batch_size: int = 16
    learning_rate: float = 1e-3
    dropout: float = 0.5
    patience: int = 12
    seed: int = 0

    def save(self, path: Path) -> None:
        """Write as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> TrainConfig:
        """Read what `save` wrote.

        Raises:
            UsageError: it is not there or does not fit this version.
        """
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            values["validation_groups"] = tuple(values["validation_groups"])
            return cls(**values)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise UsageError(
                f"cannot resume from {path}: {error}; train into a new folder"
            ) from None

    def changed_from(self, other: TrainConfig) -> list[str]:
        """Names of the settings that differ."""
        return [f.name for f in fields(self) if getattr(self, f.name) != getattr(other, f.name)]
