"""What one training was asked to do; saved beside its result."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_type_hints

from rtaction.choices import (
    GROUP_HELP,
    ROOT_HELP,
    VIDEOS_HELP,
    Option,
    Resize,
    Sampling,
    require_kind,
)
from rtaction.errors import UsageError
from rtaction.output_file import write_json
from rtaction.train.choices import (
    DEFAULT_LIMIT_GB,
    NETWORKS,
    Balance,
    Devices,
    HeadName,
    Pooling,
    Precision,
    Schedule,
    Solver,
    StreamEncoderName,
    Strength,
    network_named,
)

if TYPE_CHECKING:
    from rtaction.model_spec import ModelSpec

POSE = "pose"
"""The modality of networks that see people's joints instead of pictures."""

_POSE_SIZE = 192  # of the pictures that the pose network takes

_SHARE_TO_VALIDATE = 0.2

_DATA, _NETWORK, _LEARNING = "Data", "Network", "Learning"
_CHECKING, _OUTPUT = "Checking", "Output and machine"


@dataclass(frozen=True)
class TrainConfig:
    """Settings of a training.

    Each field's `Option` says what it does. `chosen_but` holds the names of the settings that were
    given where all others are to be picked from the data, see
    `rtaction.train.learning.auto.choice`;
    None picks nothing.
    """

    videos: Annotated[
        str,
        Option(
            f"{VIDEOS_HELP}.",
            is_argument=True,
        ),
    ]
    videos_root: Annotated[str | None, Option(ROOT_HELP, _DATA, metavar="PATH")] = None
    network: Annotated[
        str,
        Option(
            "Encoder of each frame: light and small run on CPUs, two_stream has one for each part "
            "of the modality, dtpp joins two such streams only in their scores, convnet is "
            "VGG-like, for GPUs. Or module:function, a function of your own that builds the whole "
            "network.",
            _NETWORK,
            metavar=f"{'|'.join(NETWORKS)}|module:function",
            parse=network_named,
        ),
    ] = "light"
    stream_encoder: Annotated[
        StreamEncoderName, Option("Encoder of each stream of --network dtpp.", _NETWORK)
    ] = "light"
    head: Annotated[
        HeadName, Option("Recurrent layer or pooling over the frames of a window.", _NETWORK)
    ] = "gru"
    pretrained: Annotated[
        bool, Option("Start a MobileNet or lite0 from ImageNet weights.", _NETWORK)
    ] = False
    trainable_layers: Annotated[
        int, Option("Last layers of a pretrained encoder to fine-tune.", _NETWORK, minimum=0)
    ] = 9
    train_batchnorm: Annotated[
        bool,
        Option(
            "Batch normalisation within those last layers learns too, rather than keeping "
            "ImageNet's means and variances.",
            _NETWORK,
        ),
    ] = False
    pooling: Annotated[
        Pooling, Option("Pooling of the feature map of a MobileNet or lite0.", _NETWORK)
    ] = "average"
    sampling: Annotated[
        Sampling,
        Option(
            "Sliding windows of --clip-seconds; or one clip of each video, spread over it, or with "
            "one moment of each of its --frames segments, drawn anew in each epoch.",
            _DATA,
        ),
    ] = "sliding"
    frames_per_clip: Annotated[
        int, Option("Frames in a window.", _DATA, names=("--frames",), minimum=1)
    ] = 5
    clip_seconds: Annotated[
        float, Option("Time from the first to the last frame of a window.", _DATA, minimum=0.01)
    ] = 1.0
    stride_seconds: Annotated[
        float | None,
        Option("Time from one window to the next. Default: half a window.", _DATA, minimum=0.01),
    ] = None
    height: Annotated[
        int, Option("Height of the network's frames, in pixels.", _DATA, minimum=8)
    ] = 112
    width: Annotated[int, Option("Width of the network's frames, in pixels.", _DATA, minimum=8)] = (
        112
    )
    modality: Annotated[
        str,
        Option(
            "What the network sees: rgb, gray, diff, abs_diff, rgb_diff, flow, flow_closeup (flow "
            "in a square of the video's own pixels around what moves), flow_stack (five fields "
            "for each frame), diff_mask or flow_mask, or several joined by +; or pose, the joints "
            "of people (default: 16 frames over 1.875 s).",
            _DATA,
        ),
    ] = "rgb"
    resize: Annotated[Resize, Option("How frames are fitted to that height and width.", _DATA)] = (
        "squash"
    )
    background_label: Annotated[
        str | None, Option('The label that means "no action".', _DATA, names=("--background",))
    ] = None
    multi_label: Annotated[
        bool,
        Option(
            "Score each label by itself, as a video may show several at once, or none: several "
            "lines of an annotation file, or one without a label.",
            _DATA,
            names=("--multi-label",),
        ),
    ] = False
    group: Annotated[str | None, Option(GROUP_HELP, _CHECKING)] = None
    corrections: Annotated[
        str | None,
        Option(
            "Train on the labelled clips of this folder as well, see `rtaction label`; they are "
            "never validated or tested on.",
            _DATA,
            metavar="PATH",
        ),
    ] = None
    validation_groups: Annotated[
        tuple[str, ...],
        Option("Validate on this group; may be repeated.", _CHECKING, names=("--validate-on",)),
    ] = ()
    validation_fraction: Annotated[
        float | None,
        Option(
            "Fraction of the videos to validate on. Default: 0.2, or as the annotation file's "
            "column split says.",
            _CHECKING,
            minimum=0,
            maximum=0.9,
        ),
    ] = None
    test_fraction: Annotated[
        float, Option("Fraction of the videos to test on.", _CHECKING, minimum=0, maximum=0.9)
    ] = 0.0
    solver: Annotated[
        Solver,
        Option(
            "steps trains by AdamW; ridge fits the last layer in closed form, where nothing else "
            "is to be learnt: frozen ImageNet weights and a head that pools.",
            _LEARNING,
        ),
    ] = "steps"
    epochs: Annotated[int, Option("Maximum number of epochs.", _LEARNING, minimum=1)] = 60
    batch_size: Annotated[int, Option("Clips in a batch.", _LEARNING, minimum=1)] = 16
    learning_rate: Annotated[
        float,
        Option("Initial learning rate of AdamW; with a cosine, its peak.", _LEARNING, minimum=0),
    ] = 1e-3
    # Loshchilov and Hutter 2019, arXiv 1711.05101.
    weight_decay: Annotated[
        float, Option("Decoupled weight decay of AdamW.", _LEARNING, minimum=0)
    ] = 0.0
    schedule: Annotated[
        Schedule,
        Option(
            "plateau divides the learning rate by four after a third of --patience without a "
            "better validation loss; cosine decays it over all epochs after a short warm-up.",
            _LEARNING,
        ),
    ] = "plateau"
    dropout: Annotated[float, Option("Dropout rate.", _LEARNING, minimum=0, maximum=0.95)] = 0.5
    # The validation loss is smoothed as well, so it compares only within one share.
    label_smoothing: Annotated[
        float,
        Option(
            "Probability mass spread over all labels.",
            _LEARNING,
            minimum=0,
            maximum=0.5,
        ),
    ] = 0.0
    # Validation counts every clip once.
    balance: Annotated[
        Balance,
        Option(
            "For uneven labels: weights gives clips of rare labels a larger loss, sampling draws "
            "all labels equally often.",
            _LEARNING,
        ),
    ] = "weights"
    # 1 / (1 - ema) batches should be no more than a few epochs.
    ema: Annotated[
        float,
        Option(
            "Momentum of an exponential moving average of the weights, such as 0.99, which is "
            "validated and saved instead of them; 0 for none.",
            _LEARNING,
            minimum=0,
            maximum=0.9999,
        ),
    ] = 0.0
    patience: Annotated[
        int,
        Option("Epochs without a better validation loss before stopping.", _LEARNING, minimum=1),
    ] = 12
    # The reported figures are those of the network before.
    refit: Annotated[
        bool,
        Option(
            "When done, train again from scratch on training and validation videos together, for "
            "as many epochs as were best.",
            _LEARNING,
        ),
    ] = False
    seed: Annotated[
        int, Option("Seed of the split, the weights and the order.", _LEARNING, minimum=0)
    ] = 0
    augment: Annotated[
        Strength,
        Option("Strength of the augmentation; the frames of a clip are changed alike.", _LEARNING),
    ] = "light"
    num_variants: Annotated[
        int,
        Option(
            "Augmented variants of each video where a frozen encoder sees it only once.",
            _LEARNING,
            names=("--variants",),
            minimum=1,
        ),
    ] = 4
    keep_sides: Annotated[
        tuple[str, ...],
        Option("A label that must not be mirrored; may be repeated.", _LEARNING),
    ] = ()
    # What is saved computes in float32 in any case.
    precision: Annotated[
        Precision,
        Option("auto is mixed_float16 on GPUs with tensor cores, else float32.", _OUTPUT),
    ] = "auto"
    chosen_but: tuple[str, ...] | None = field(default=None, compare=False)
    # Where it is computed and what is written beside it changes nothing in what is learnt.
    devices: Annotated[Devices, Option("All GPUs of this machine, or the first one.", _OUTPUT)] = (
        field(default="auto", compare=False)
    )
    tensorboard: Annotated[
        bool,
        Option(
            "Also log for TensorBoard, to OUTPUT/tensorboard.", _OUTPUT, names=("--tensorboard",)
        ),
    ] = field(default=False, compare=False)
    cache_dir: Annotated[
        str | None,
        Option(
            "Folder for decoded videos. Default: the user's cache folder.",
            _OUTPUT,
            metavar="PATH",
        ),
    ] = field(default=None, compare=False)
    cache_gb: Annotated[
        float,
        Option("Size limit of that cache in GB; 0 caches nothing.", _OUTPUT, minimum=0),
    ] = field(default=DEFAULT_LIMIT_GB, compare=False)

    @property
    def share_to_validate(self) -> float:
        """Fraction of the videos to validate on."""
        return _SHARE_TO_VALIDATE if self.validation_fraction is None else self.validation_fraction

    @property
    def says_how_to_split(self) -> bool:
        """Whether a setting says how to split, which the column of an annotation file may do."""
        by_share = self.validation_fraction is not None or self.test_fraction > 0
        return by_share or bool(self.group or self.validation_groups)

    @property
    def facts(self) -> list[tuple[str, object]]:
        """The settings that bear on the result, wherever the videos are."""
        elsewhere = {"videos", "videos_root", "corrections"}
        shown = [one.name for one in fields(self) if one.compare and one.name not in elsewhere]
        return [(name, getattr(self, name)) for name in shown]

    def spec(self, labels: tuple[str, ...]) -> ModelSpec:
        """The contract of a network trained like this.

        Raises:
            ModelSpecError: the background label is none of the labels.
        """
        from rtaction.model_spec import ModelSpec

        sees_people = self.modality == POSE
        return ModelSpec(
            labels=labels,
            frames_per_clip=self.frames_per_clip,
            clip_seconds=self.clip_seconds,
            height=_POSE_SIZE if sees_people else self.height,
            width=_POSE_SIZE if sees_people else self.width,
            modality=self.modality,
            sampling=self.sampling,
            resize="letterbox" if sees_people else self.resize,
            background_label=self.background_label,
            multi_label=self.multi_label,
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
            hints = get_type_hints(cls, include_extras=True)
            for name, one in values.items():
                if name in hints:
                    require_kind(name, hints[name], one)
            network_named(values.get("network", cls.network))
            lists = {key: tuple(one) for key, one in values.items() if isinstance(one, list)}
            return cls(**values | lists)
        except (
            OSError,
            ValueError,
            TypeError,
            AttributeError,
            RecursionError,
            UsageError,
        ) as error:
            raise UsageError(
                f"cannot resume from {path}: {error}; train into a new folder"
            ) from None

    def changed_from(self, other: TrainConfig) -> list[str]:
        """Names of the settings that differ, among those that bear on the result."""
        names = [setting.name for setting in fields(self) if setting.compare]
        return [name for name in names if getattr(self, name) != getattr(other, name)]

    def with_picks_of(self, run: TrainConfig) -> TrainConfig:
        """These settings, with those that `--auto` picked for an earlier training."""
        given = self.chosen_but or ()
        picks = [one.name for one in fields(self) if one.compare and one.name not in given]
        return replace(self, **{name: getattr(run, name) for name in picks})
