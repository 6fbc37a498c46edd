"""The command with the most options: `rtaction train`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from rtaction.errors import UsageError

if TYPE_CHECKING:
    from rtaction.train.settings.config import TrainConfig

# Options that are called otherwise than the setting that they give.
_SETTING_OF_OPTION = {
    "frames": "frames_per_clip",
    "background": "background_label",
    "validate_on": "validation_groups",
    "variants": "num_variants",
}


_NO_SETTINGS = {"output", "resume", "auto", "folds", "repeats"}

VideosArgument = Annotated[
    str, typer.Argument(help="Folder of folders, or a pattern such as 'v/{classname}/*.mp4'.")
]
SamplingOption = Annotated[
    Literal["sliding", "spread"],
    typer.Option(help="Sliding windows, or one clip spread over each video."),
]
FramesOption = Annotated[int, typer.Option(min=1, help="Pictures in a clip.")]
ClipSecondsOption = Annotated[float, typer.Option(min=0.01, help="Length of a clip.")]
ModalityOption = Annotated[
    str,
    typer.Option(
        help="What a picture shows: rgb, gray, diff, abs_diff, rgb_diff, flow, diff_mask, "
        "flow_mask, or several joined by +."
    ),
]
ResizeOption = Annotated[
    Literal["squash", "crop", "letterbox"], typer.Option(help="How pictures are fitted.")
]
AugmentOption = Annotated[
    Literal["none", "light", "strong"],
    typer.Option(help="How much clips are changed each time they are shown."),
]
KeepSidesOption = Annotated[
    list[str] | None, typer.Option(help="A label that is never flipped; may be repeated.")
]


def train(
    context: typer.Context,
    videos: VideosArgument,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the result.")] = Path(
        "run"
    ),
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a training.")] = False,
    auto: Annotated[
        bool,
        typer.Option("--auto", help="Pick every setting that is not given, from the videos."),
    ] = False,
    folds: Annotated[
        int | None,
        typer.Option(min=2, help="Cross-validate: train so often, each time testing other groups."),
    ] = None,
    repeats: Annotated[
        int, typer.Option(min=1, help="Cross-validate so often, each time with other folds.")
    ] = 1,
    network: Annotated[
        Literal[
            "light",
            "small",
            "convnet",
            "two_stream",
            "mobilenet",
            "mobilenet_v2",
            "mobilenet_v3",
            "lite0",
            "lite0_body",
        ],
        typer.Option(help="What each picture goes through."),
    ] = "light",
    head: Annotated[
        Literal["gru", "lstm", "bigru", "bilstm", "average", "max", "statistics", "pyramid"],
        typer.Option(help="What becomes of the features over time."),
    ] = "gru",
    pretrained: Annotated[
        bool, typer.Option(help="Start a MobileNet or lite0 from ImageNet weights.")
    ] = False,
    trainable_layers: Annotated[
        int, typer.Option(min=0, help="Last layers of a pretrained network that go on learning.")
    ] = 9,
    pooling: Annotated[
        Literal["average", "max"], typer.Option(help="Of the map of a MobileNet or lite0.")
    ] = "average",
    sampling: SamplingOption = "sliding",
    frames: FramesOption = 5,
    clip_seconds: ClipSecondsOption = 1.0,
    stride_seconds: Annotated[
        float | None, typer.Option(min=0.01, help="Time between clips. Default: half a clip.")
    ] = None,
    height: Annotated[int, typer.Option(min=32, help="Rows of a picture.")] = 112,
    width: Annotated[int, typer.Option(min=32, help="Columns of a picture.")] = 112,
    modality: ModalityOption = "rgb",
    resize: ResizeOption = "squash",
    background: Annotated[str | None, typer.Option(help="The label that means no action.")] = None,
    group: Annotated[
        str | None,
        typer.Option(help="Regular expression: what in a path names its person, camera or take."),
    ] = None,
    validate_on: Annotated[
        list[str] | None, typer.Option(help="Validate on this group; may be repeated.")
    ] = None,
    validation_fraction: Annotated[
        float, typer.Option(min=0, max=0.9, help="Share of videos to validate on.")
    ] = 0.2,
    test_fraction: Annotated[
        float, typer.Option(min=0, max=0.9, help="Share of videos to test on.")
    ] = 0.0,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs at most.")] = 60,
    batch_size: Annotated[int, typer.Option(min=1, help="Clips in a batch.")] = 16,
    learning_rate: Annotated[
        float, typer.Option(min=0, help="Of Adam, at the start, or the highest of a cosine.")
    ] = 1e-3,
    weight_decay: Annotated[
        float, typer.Option(min=0, help="How fast weights that nothing needs fade (AdamW).")
    ] = 0.0,
    schedule: Annotated[
        Literal["plateau", "cosine"],
        typer.Option(help="Lower the rate where progress stops, or by a cosine over all epochs."),
    ] = "plateau",
    dropout: Annotated[
        float, typer.Option(min=0, max=0.95, help="Share of values dropped while training.")
    ] = 0.5,
    label_smoothing: Annotated[
        float,
        typer.Option(
            min=0,
            max=0.5,
            help="Share of the truth spread over all labels. Live scores are then lower.",
        ),
    ] = 0.0,
    balance: Annotated[
        Literal["none", "weights", "sampling"],
        typer.Option(help="Where labels are uneven: weigh rarer ones more, or draw all as often."),
    ] = "weights",
    ema: Annotated[
        float,
        typer.Option(
            min=0,
            max=0.9999,
            help="Validate and save a moving average of the weights that keeps this much of itself "
            "at each batch, such as 0.99.",
        ),
    ] = 0.0,
    patience: Annotated[int, typer.Option(min=1, help="Epochs without progress to the end.")] = 12,
    refit: Annotated[
        bool,
        typer.Option(help="At the end, train anew on training and validation videos together."),
    ] = False,
    augment: AugmentOption = "light",
    keep_sides: KeepSidesOption = None,
    variants: Annotated[
        int,
        typer.Option(min=1, help="Ways in which each video is changed for a pretrained network."),
    ] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Of split, weights and order.")] = 0,
    precision: Annotated[
        Literal["auto", "float32", "mixed_float16"],
        typer.Option(help="What to compute in; auto is mixed_float16 on GPUs with tensor cores."),
    ] = "auto",
    devices: Annotated[
        Literal["auto", "one"], typer.Option(help="All GPUs of this machine, or the first.")
    ] = "auto",
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Also log for TensorBoard, in OUTPUT/tensorboard.")
    ] = False,
    cache_dir: Annotated[
        Path | None,
        typer.Option(help="Keep decoded videos here. Default: the user's cache folder."),
    ] = None,
    cache_gb: Annotated[
        float, typer.Option(min=0, help="How many GB of them to keep; 0 keeps none.")
    ] = 20.0,
) -> None:
    """Train on folders of clips: one folder for each action."""
    from rtaction.train.settings.config import TrainConfig

    settings: dict[str, Any] = {
        "videos": videos,
        "network": network,
        "head": head,
        "pretrained": pretrained,
        "trainable_layers": trainable_layers,
        "pooling": pooling,
        "sampling": sampling,
        "frames_per_clip": frames,
        "clip_seconds": clip_seconds,
        "stride_seconds": stride_seconds,
        "height": height,
        "width": width,
        "modality": modality,
        "resize": resize,
        "background_label": background,
        "group": group,
        "validation_groups": tuple(validate_on or ()),
        "validation_fraction": validation_fraction,
        "test_fraction": test_fraction,
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "weight_decay": weight_decay,
        "schedule": schedule,
        "dropout": dropout,
        "label_smoothing": label_smoothing,
        "balance": balance,
        "ema": ema,
        "patience": patience,
        "refit": refit,
        "augment": augment,
        "num_variants": variants,
        "keep_sides": tuple(keep_sides or ()),
        "seed": seed,
        "precision": precision,
        "devices": devices,
        "tensorboard": tensorboard,
        "cache_dir": str(cache_dir) if cache_dir else None,
        "cache_gb": cache_gb,
    }
    if resume:
        saved = TrainConfig.load(output / "train_config.json")
        config = replace(saved, **{name: settings[name] for name in _given(context)})
    else:
        given = tuple(_given(context)) if auto else None
        config = TrainConfig(**settings, chosen_but=given)
    try:
        _run(config, output, folds=folds, repeats=repeats, resume=resume)
    except KeyboardInterrupt:
        # Before the first epoch has ended there is nothing to go on from.
        begun = any((output / name).exists() for name in ("history.csv", "folds.json"))
        advice = "; to go on after the last finished epoch, add --resume" if begun else ""
        typer.echo(f"interrupted{advice}", err=True)
        raise typer.Exit(130) from None


def _run(
    config: TrainConfig, output: Path, *, folds: int | None, repeats: int, resume: bool
) -> None:
    from rtaction.train.learning.cross_validation import cross_validate, saved_plan
    from rtaction.train.learning.fit import train as run_training

    plan = saved_plan(output) if resume else None
    if plan is not None:
        folds, repeats = folds or plan["folds"], max(repeats, plan["repeats"])
    if folds is not None:
        cross_validate(config, output, folds=folds, repeats=repeats, resume=resume)
        return
    if repeats > 1:
        raise UsageError("--repeats needs --folds: it repeats a cross-validation")
    result = run_training(config, output, resume=resume)
    typer.echo(
        f"wrote {result.model}; next: rtaction export {result.model} -o model.onnx", err=True
    )


def _given(context: typer.Context) -> list[str]:
    """Settings that stand on the command line, and are no default."""
    names = [name for name in context.params if name not in _NO_SETTINGS]
    return [
        _SETTING_OF_OPTION.get(name, name)
        for name in names
        if getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"
    ]
