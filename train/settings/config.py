"""What one training was asked to do; saved beside its result."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from rtaction.errors import UsageError
from rtaction.model_spec import ModelSpec, Resize, Sampling
from rtaction.output_file import write_json
from rtaction.train.data.augment import Strength
from rtaction.train.data.balance import Balance
from rtaction.train.data.frame_cache import DEFAULT_LIMIT_GB
from rtaction.train.networks.build import NetworkName
from rtaction.train.networks.encoders import Pooling
from rtaction.train.networks.heads import HeadName
from rtaction.train.settings.hardware import Devices
from rtaction.train.settings.precision import Precision
from rtaction.train.settings.schedule import Schedule


@dataclass(frozen=True)
class TrainConfig:
    """Settings of a training.

    Args:
        videos: folder of folders, or a pattern with "{classname}".
        network: see `rtaction.train.networks.build.build_network`. Default "light".
        head: what becomes of the features over time, see `rtaction.train.networks.heads`. Default
            "gru".
        pretrained: start from ImageNet weights. Default False.
        trainable_layers: how many of the last layers of a pretrained network go on learning.
            Default 9.
        pooling: "average" or "max", of the map of a MobileNet or of Lite0. Default "average".
        sampling: "sliding" or "spread". Default "sliding".
        frames_per_clip: pictures in a clip. Default 5.
        clip_seconds: length of a sliding clip. Default 1.0.
        stride_seconds: time between two sliding clips of a video; None is half a clip. Default
            None.
        height: rows of a picture. Default 112.
        width: columns of a picture. Default 112.
        modality: what a picture shows, see `rtaction.modality`. Default "rgb".
        resize: "squash", "crop" or "letterbox". Default "squash".
        background_label: the label that means no action. Default None.
        group: regular expression that finds the group in a path. Default None.
        validation_groups: validate on just these groups. Default (), by fraction.
        validation_fraction: share of videos to validate on. Default 0.2.
        test_fraction: share of videos to test on. Default 0.0.
        epochs: at most so many. Default 60.
        batch_size: clips in a batch. Default 16.
        learning_rate: of Adam, at the start, or the highest of a cosine. Default 1e-3.
        weight_decay: how fast weights that nothing needs fade, see AdamW (Loshchilov and Hutter
            2019, arXiv 1711.05101). Default 0.0.
        schedule: "plateau" divides the rate by four after a third of `patience` without a better
            validation loss; "cosine" follows a curve over all `epochs`, see `cosine_rate`. Default
            "plateau".
        dropout: share of values dropped while training. Default 0.5.
        label_smoothing: share of each clip's truth that is spread over all labels. Against wrong
            labels and overconfidence; but live scores then rarely come near 1, so thresholds must
            be lower, and the validation loss is smoothed as well, so it compares only with that
            of trainings with the same share. Default 0.0.
        balance: what is done about labels with more clips than others: "weights" lets a clip of a
            rarer label weigh more in the loss, "sampling" draws every label equally often in each
            epoch, "none" does nothing. Validation counts every clip once. Default "weights", which
            does nothing where labels are even.
        ema: how much of the moving average of the weights is kept at each batch, such as 0.99; it
            is validated and saved instead of the weights. 1 / (1 - ema) batches should be no more
            than a few epochs. Default 0.0, no average.
        patience: epochs without a better validation loss before the end, whatever the schedule.
            Default 12.
        refit: once the best epoch is known, train anew for as many epochs, or for all of a cosine,
            on the videos of training and validation together, and keep that network. Figures on
            validation are of the network before. Default False.
        seed: of split, weights and order. Default 0.
        augment: "none", "light" or "strong": how much clips are changed each time they are shown,
            see `Augmentation`. Default "light".
        num_variants: in how many ways each video is changed where a pretrained network sees it but
            once. Default 4.
        keep_sides: labels in which side matters, never flipped. Default ().
        chosen_but: names of settings that were given; all others are picked from the data when the
            training begins, see `rtaction.train.learning.auto`. None picks nothing. Default None.
        precision: "float32", or "mixed_float16", which computes in float16 and keeps weights and
            scores in float32; "auto" is the latter on GPUs with tensor cores. What is saved
            computes in float32 in any case. Default "auto".
        devices: "auto" shares each batch among all GPUs of the machine, "one" uses the first.
            Default "auto".
        tensorboard: also write the figures for TensorBoard, into `tensorboard/` in the run folder;
            needs the package of that name. Default False.
        cache_dir: where decoded videos are kept from run to run; None is the user's cache folder.
            Default None.
        cache_gb: how large that may grow, see `FrameCache`; 0 keeps nothing. Default 20.0.
    """

    videos: str
    network: NetworkName = "light"
    head: HeadName = "gru"
    pretrained: bool = False
    trainable_layers: int = 9
    pooling: Pooling = "average"
    sampling: Sampling = "sliding"
    frames_per_clip: int = 5
    clip_seconds: float = 1.0
    stride_seconds: float | None = None
    height: int = 112
    width: int = 112
    modality: str = "rgb"
    resize: Resize = "squash"
    background_label: str | None = None
    group: str | None = None
    validation_groups: tuple[str, ...] = ()
    validation_fraction: float = 0.2
    test_fraction: float = 0.0
    epochs: int = 60
    batch_size: int = 16
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    schedule: Schedule = "plateau"
    dropout: float = 0.5
    label_smoothing: float = 0.0
    balance: Balance = "weights"
    ema: float = 0.0
    patience: int = 12
    refit: bool = False
    seed: int = 0
    augment: Strength = "light"
    num_variants: int = 4
    keep_sides: tuple[str, ...] = ()
    precision: Precision = "auto"
    chosen_but: tuple[str, ...] | None = field(default=None, compare=False)
    # Where it is computed and what is written beside it changes nothing in what is learnt.
    devices: Devices = field(default="auto", compare=False)
    tensorboard: bool = field(default=False, compare=False)
    cache_dir: str | None = field(default=None, compare=False)
    cache_gb: float = field(default=DEFAULT_LIMIT_GB, compare=False)

    def spec(self, labels: tuple[str, ...]) -> ModelSpec:
        """The contract of a network trained like this.

        Raises:
            ModelSpecError: the background label is none of the labels.
        """
        return ModelSpec(
            labels=labels,
            frames_per_clip=self.frames_per_clip,
            clip_seconds=self.clip_seconds,
            height=self.height,
            width=self.width,
            modality=self.modality,
            sampling=self.sampling,
            resize=self.resize,
            background_label=self.background_label,
        )

    def save(self, path: Path) -> None:
        """Write as JSON."""
        write_json(path, asdict(self))

    @classmethod
    def load(cls, path: Path) -> TrainConfig:
        """Read what `save` wrote.

        Raises:
            UsageError: it is not there or does not fit this version.
        """
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            for name in ("validation_groups", "keep_sides", "chosen_but"):
                if values[name] is not None:
                    values[name] = tuple(values[name])
            return cls(**values)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise UsageError(
                f"cannot resume from {path}: {error}; train into a new folder"
            ) from None

    def changed_from(self, other: TrainConfig) -> list[str]:
        """Names of the settings that differ, among those that bear on the result."""
        names = [setting.name for setting in fields(self) if setting.compare]
        return [name for name in names if getattr(self, name) != getattr(other, name)]
