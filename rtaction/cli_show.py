"""The command that shows what a network is shown: `rtaction show`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def show(
    videos: Annotated[
        str, typer.Argument(help="Folder of folders, or a pattern such as 'v/{classname}/*.mp4'.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Picture to write.")] = Path(
        "clips.png"
    ),
    clips: Annotated[int, typer.Option(min=1, help="How many clips to draw.")] = 6,
    sampling: Annotated[
        Literal["sliding", "spread"],
        typer.Option(help="Sliding windows, or one clip spread over each video."),
    ] = "sliding",
    frames: Annotated[int, typer.Option(min=1, help="Pictures in a clip.")] = 5,
    clip_seconds: Annotated[float, typer.Option(min=0.01, help="Length of a clip.")] = 1.0,
    height: Annotated[int, typer.Option(min=8, help="Rows of a picture.")] = 112,
    width: Annotated[int, typer.Option(min=8, help="Columns of a picture.")] = 112,
    modality: Annotated[
        Literal["rgb", "gray"], typer.Option(help="Colours, or shades of gray.")
    ] = "rgb",
    resize: Annotated[
        Literal["squash", "crop", "letterbox"], typer.Option(help="How pictures are fitted.")
    ] = "squash",
    augment: Annotated[
        Literal["none", "light", "strong"],
        typer.Option(help="How much clips are changed each time they are shown."),
    ] = "light",
    keep_sides: Annotated[
        list[str] | None, typer.Option(help="A label that is never flipped; may be repeated.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the choice and the changes.")] = 0,
) -> None:
    """Draw training clips as filmstrips, as they are and as training changes them."""
    from rtaction.train.config import TrainConfig
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
