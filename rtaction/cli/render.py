"""`rtaction render`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from rtaction.cli.terminal import say
from rtaction.installation import program


def render(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the videos.")],
    clips: Annotated[int, typer.Option(min=1, help="Number of clips of each label.")] = 100,
    labels: Annotated[
        str | None,
        typer.Option(
            help="Labels to draw, separated by commas, such as wave,clap,nothing. Default: all; "
            "other stands for movements without a label, which go to the folder nothing."
        ),
    ] = None,
    sequences: Annotated[
        int,
        typer.Option(
            min=0,
            help="Draw this many untrimmed videos instead of clips, with an intervals.csv for "
            "rtaction eval --intervals.",
        ),
    ] = 0,
    seconds: Annotated[
        float | None,
        typer.Option(min=0.5, help="Length of a video. Default: 2.5, or 30 with --sequences."),
    ] = None,
    frames_per_second: Annotated[float, typer.Option(min=1, help="Frame rate.")] = 15.0,
    height: Annotated[int, typer.Option(min=16, help="Height in pixels.")] = 96,
    width: Annotated[int, typer.Option(min=16, help="Width in pixels.")] = 128,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed; another one gives other people in other rooms.")
    ] = 0,
) -> None:
    """Draw labelled videos of people, to train on or to try rtaction without a camera.

    Existing videos are kept, so an interrupted run resumes where it stopped.
    """
    from rtaction.cli.terminal import progress
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
    there = f", {total - written} already existed" if written < total else ""
    say(f"{output}: {written} videos rendered{there}", err=True)
    if sequences:
        csv = output / "intervals.csv"
        say(f"{program()} eval MODEL {output} --intervals {csv}")
    elif find_spec("keras") is None:  # the light installation teaches
        say(f"{program()} teach --from {output} -o taught/")
    else:
        say(f"{program()} train {output} -o run/ --background nothing")
