"""`rtaction train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rtaction.cli.derived import Chosen, ConfigOption, derived
from rtaction.cli.terminal import is_quiet, say
from rtaction.errors import UsageError
from rtaction.installation import program
from rtaction.train.settings.config import TrainConfig
from rtaction.train.settings.people import with_defaults

_CHECKING, _OUTPUT = "Checking", "Output and machine"


@derived()
def train(
    chosen: Chosen[TrainConfig],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Run folder.", rich_help_panel=_OUTPUT)
    ] = Path("run"),
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Resume the training in OUTPUT.", rich_help_panel=_OUTPUT),
    ] = False,
    auto: Annotated[
        bool, typer.Option("--auto", help="Choose all settings that are not given from the videos.")
    ] = False,
    config: ConfigOption = None,
    folds: Annotated[
        int | None,
        typer.Option(
            min=2,
            help="Cross-validate with this many folds, each tested by a network trained on the "
            "others.",
            rich_help_panel=_CHECKING,
        ),
    ] = None,
    repeats: Annotated[
        int,
        typer.Option(
            min=1, help="Repeat the cross-validation with other folds.", rich_help_panel=_CHECKING
        ),
    ] = 1,
) -> None:
    """Train a network on labelled videos: one folder for each label, or an annotation file."""
    if resume:
        settings = chosen.changed(TrainConfig.load(output / "train_config.json"))
    else:
        settings = with_defaults(
            chosen.make(chosen_but=chosen.given if auto else None), chosen.given
        )
    try:
        _run(settings, output, folds=folds, repeats=repeats, resume=resume)
    except KeyboardInterrupt:
        # Before the first epoch has ended there is nothing to resume.
        begun = any((output / name).exists() for name in ("history.csv", "folds.json"))
        advice = "; to go on after the last finished epoch, add --resume" if begun else ""
        say(f"interrupted{advice}", err=True)
        raise typer.Exit(130) from None


def _run(
    config: TrainConfig, output: Path, *, folds: int | None, repeats: int, resume: bool
) -> None:
    from rtaction.realtime.model.pose_networks import open_pose_networks
    from rtaction.train.learning.cross_validation import cross_validate, saved_plan
    from rtaction.train.learning.fit import train as run_training
    from rtaction.train.learning.progress import CleanConsole

    console = CleanConsole(stderr=True, quiet=is_quiet())
    plan = saved_plan(output) if resume else None
    if plan is not None:
        folds, repeats = folds or plan["folds"], max(repeats, plan["repeats"])
    if folds is not None:
        cross_validate(
            config,
            output,
            folds=folds,
            repeats=repeats,
            resume=resume,
            console=console,
            open_networks=open_pose_networks,
        )
        return
    if repeats > 1:
        raise UsageError("--repeats needs --folds: it repeats a cross-validation")
    result = run_training(
        config, output, resume=resume, console=console, open_networks=open_pose_networks
    )
    say(f"wrote {result.model}; next: {program()} export {result.model} -o model.onnx", err=True)
