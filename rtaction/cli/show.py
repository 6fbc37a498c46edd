"""The command that shows what a network is shown: `rtaction show`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rtaction.cli.train import (
    AugmentOption,
    ClipSecondsOption,
    FramesOption,
    KeepSidesOption,
    ModalityOption,
    ResizeOption,
    SamplingOption,
    VideosArgument,
)


def show(
    videos: VideosArgument,
    output: Annotated[Path, typer.Option("--output", "-o", help="Picture to write.")] = Path(
        "clips.png"
    ),
    clips: Annotated[int, typer.Option(min=1, help="How many clips to draw.")] = 6,
    sampling: SamplingOption = "sliding",
    frames: FramesOption = 5,
    clip_seconds: ClipSecondsOption = 1.0,
    height: Annotated[int, typer.Option(min=8, help="Rows of a picture.")] = 112,
    width: Annotated[int, typer.Option(min=8, help="Columns of a picture.")] = 112,
    modality: ModalityOption = "rgb",
    resize: ResizeOption = "squash",
    augment: AugmentOption = "light",
    keep_sides: KeepSidesOption = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the choice and the changes.")] = 0,
) -> None:
    """Draw training clips as filmstrips, as they are and as training changes them."""
    from rtaction.train.settings.config import TrainConfig
    from rtaction.train.show import show_clips

    config = TrainConfig(
        videos=videos,
        sampling=sampling,
        frames_per_clip=frames,
        clip_seconds=clip_seconds,
        height=height,
        width=width,
        modality=modality,
        resize=resize,
        augment=augment,
        keep_sides=tuple(keep_sides or ()),
        seed=seed,
    )
    num_clips = show_clips(config, output, num_clips=clips)
    typer.echo(f"wrote {output}: {min(clips, num_clips)} of {num_clips} clips", err=True)
