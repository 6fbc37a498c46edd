"""`rtaction show`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rtaction.cli.derived import Chosen, derived
from rtaction.cli.terminal import say
from rtaction.train.settings.config import TrainConfig

_SHOWN = (
    "videos",
    "videos_root",
    "multi_label",
    "sampling",
    "frames_per_clip",
    "clip_seconds",
    "height",
    "width",
    "modality",
    "resize",
    "augment",
    "keep_sides",
    "seed",
)


@derived(only={TrainConfig: _SHOWN})
def show(
    chosen: Chosen[TrainConfig],
    output: Annotated[Path, typer.Option("--output", "-o", help="Image to write.")] = Path(
        "clips.png"
    ),
    clips: Annotated[int, typer.Option(min=1, help="Number of clips to draw.")] = 6,
) -> None:
    """Draw training clips as filmstrips, before and after augmentation."""
    from rtaction.train.show import show_clips

    num_clips = show_clips(chosen.make(), output, num_clips=clips)
    say(f"wrote {output}: {min(clips, num_clips)} of {num_clips} clips", err=True)
