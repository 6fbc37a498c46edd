"""`rtaction train`."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import typer

from rtaction.cli.derived import Chosen, ConfigOption, derived
from rtaction.cli.terminal import is_quiet, say
from rtaction.errors import UsageError
from rtaction.installation import program
from rtaction.train.choices import is_own
from rtaction.train.settings import people, streams
from rtaction.train.settings.config import TrainConfig

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
        _require_named(settings.network, output, chosen.given)
    else:
        settings = chosen.make(chosen_but=chosen.given if auto else None)
        for one in (people, streams):
            settings = one.with_defaults(settings, chosen.given)
    try:
        _run(settings, chosen.given, output, folds=folds, repeats=repeats, resume=resume)
    except KeyboardInterrupt:
        # Before the first epoch has ended there is nothing to resume.
        begun = any((output / name).exists() for name in ("history.csv", "folds.json"))
        advice = "; to go on after the last finished epoch, add --resume" if begun else ""
        say(f"interrupted{advice}", err=True)
        raise typer.Exit(130) from None


def _require_named(network: str, output: Path, given: Collection[str]) -> None:
    """Run no code of a folder that may come from someone else, unless the command names it."""
    if is_own(network) and "network" not in given:
        raise UsageError(
            f"--resume: {output} was trained with a network that is not rtaction's; add --network "
            f"{network} to let its code run"
        )


def _run(
    config: TrainConfig,
    given: Collection[str],
    output: Path,
    *,
    folds: int | None,
    repeats: int,
    resume: bool,
) -> None:
    from rtaction.realtime.model.pose_networks import open_pose_networks
    from rtaction.train.learning.cross_validation import cross_validate, saved_plan
    from rtaction.train.learning.fit import train as run_training
    from rtaction.train.learning.progress import CleanConsole
    from rtaction.train.networks.own import own_network_named
    from rtaction.train.settings.for_own import with_shape_of

    console = CleanConsole(stderr=True, quiet=is_quiet())
    own = own_network_named(config.network)
    if own and not resume:
        config = with_shape_of(own, config, given)
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
        config, output, resume=resume, console=console, open_networks=open_pose_networks, own=own
    )
    trust = " --trust" if own and own.needs_trust else ""
    export = f"{program()} export {result.model} -o model.onnx{trust}"
    say(f"wrote {result.model}; next: {export}", err=True)
