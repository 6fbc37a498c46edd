"""The command that draws training clips instead of filming them: `rtaction render`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def render(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the videos.")],
    clips: Annotated[int, typer.Option(min=1, help="Clips of each label.")] = 100,
    labels: Annotated[
        str | None,
        typer.Option(
            help="Which, with commas, such as wave,clap,nothing. Default: all; other is whatever "
            "has no label, and lies in the folder nothing."
        ),
    ] = None,
    sequences: Annotated[
        int,
        typer.Option(
            min=0,
            help="Instead of clips: so many untrimmed videos, and intervals.csv for "
            "rtaction eval --intervals.",
        ),
    ] = 0,
    seconds: Annotated[
        float | None,
        typer.Option(min=0.5, help="Length of a video. Default: 2.5 of a clip, 30 of a sequence."),
    ] = None,
    frames_per_second: Annotated[float, typer.Option(min=1, help="Frames a second.")] = 15.0,
    height: Annotated[int, typer.Option(min=16, help="Rows of a picture.")] = 96,
    width: Annotated[int, typer.Option(min=16, help="Columns of a picture.")] = 128,
    seed: Annotated[
        int, typer.Option(min=0, help="Another one gives other people in other rooms.")
    ] = 0,
) -> None:
    """Draw labelled videos of people: to train on, or to try rtaction without a camera.

    A video that is there is kept, so an interrupted run goes on where it was.
    """
    from rtaction.cli.eval import progress
    from rtaction.train.render.clip import RENDERED_LABELS
    from rtaction.train.render.files import RenderOptions, render_clips, render_sequences

    names = labels.split(",") if labels is not None else RENDERED_LABELS
    chosen = [name.strip() for name in names if name.strip()]
    options = RenderOptions(
        seed=seed,
        seconds=seconds if seconds is not None else 30.0 if sequences else 2.5,
        frames_per_second=frames_per_second,
        size_hw=(height, width),
    )
    total = sequences or clips * len(set(chosen))
    with progress("videos", total) as step:
        if sequences:
            written = render_sequences(output, sequences, chosen, options, on_file=step)
        else:
            written = render_clips(output, dict.fromkeys(chosen, clips), options, on_file=step)
    there = f", {total - written} were there" if written < total else ""
    typer.echo(f"{output}: {written} videos rendered{there}", err=True)
    if sequences:
        told = output / "intervals.csv"
        typer.echo(f"rtaction eval MODEL {output} --intervals {told}")
    else:
        typer.echo(f"rtaction train {output} -o run/ --background nothing")
