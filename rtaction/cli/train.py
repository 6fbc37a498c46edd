"""`rtaction train`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rtaction.cli.derived import Chosen, ConfigOption, derived
from rtaction.cli.terminal import begin_process, is_quiet, loudness, say
from rtaction.errors import ModelUnsafe, UsageError
from rtaction.installation import program
from rtaction.jobs import RunJobs
from rtaction.processes import Processes
from rtaction.train.choices import is_own
from rtaction.train.settings import people, streams
from rtaction.train.settings.config import TrainConfig

if TYPE_CHECKING:
    from rtaction.train.networks.own import OwnNetwork

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
    seeds: Annotated[
        int | None,
        typer.Option(
            min=2,
            help="Train with this many seeds, from --seed on, on the same split, to see how much "
            "of the result is chance.",
            rich_help_panel=_CHECKING,
        ),
    ] = None,
    jobs: Annotated[
        int,
        typer.Option(
            min=1,
            help="Trainings at once, of --folds, --seeds and the trials of --auto; with --ray, at "
            "most this many, as many as fit if it is left out.",
            rich_help_panel=_OUTPUT,
        ),
    ] = 1,
    workers: Annotated[
        int,
        typer.Option(
            min=1,
            help="Processes of this machine that share each batch of one training.",
            rich_help_panel=_OUTPUT,
        ),
    ] = 1,
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="[ADDRESS]",
            help="Train folds and seeds on a Ray cluster: auto (one that runs here), HOST:PORT, "
            "ray://HOST:PORT, or local (all cores of this machine), which may be left out. OUTPUT "
            "and the videos must be on disks that all its machines share.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
) -> None:
    """Train a network on labelled videos: one folder for each label, or an annotation file."""
    if resume:
        settings = chosen.changed(TrainConfig.load(output / "train_config.json"))
        _require_named(settings.network, output, chosen.given)
    else:
        settings = chosen.make(chosen_but=chosen.given if auto else None)
        for one in (people, streams):
            settings = one.with_defaults(settings, chosen.given)
    many = _Many(folds, repeats, seeds, jobs, workers, ray)
    many.require_sensible()
    try:
        _run(settings, chosen.given, output, many, resume=resume)
    except KeyboardInterrupt:
        # Before the first epoch has ended there is nothing to resume.
        begun = any(
            (output / name).exists() for name in ("history.csv", "folds.json", "seeds.json")
        )
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


@dataclass(frozen=True, slots=True)
class _Many:
    """How many trainings there are, and by what they are computed."""

    folds: int | None
    repeats: int
    seeds: int | None
    jobs: int
    workers: int
    ray: str | None

    def require_sensible(self) -> None:
        if self.folds is not None and self.seeds is not None:
            raise UsageError(
                "--folds and --seeds cannot be combined; --repeats trains folds with other seeds"
            )
        if self.workers > 1 and (self.folds or self.seeds or self.jobs > 1 or self.ray):
            raise UsageError(
                "--workers share one training; for several at once leave it out and give --jobs"
            )

    def resumed(self, output: Path) -> _Many:
        """With what the folder says of how many there were."""
        from rtaction.train.learning.many.cross_validation import saved_plan
        from rtaction.train.learning.many.seeds import saved_seeds

        plan, seeds = saved_plan(output), saved_seeds(output)
        if plan is not None:
            repeats = max(self.repeats, plan["repeats"])
            return replace(self, folds=self.folds or plan["folds"], repeats=repeats)
        return replace(self, seeds=max(self.seeds or 0, seeds)) if seeds is not None else self

    @contextmanager
    def run_jobs(self) -> Iterator[RunJobs | None]:
        """What trains several at once; None for one after the other."""
        if self.ray is not None:
            from rtaction.cluster.tasks import ray_jobs

            with ray_jobs(self.ray, at_once=self.jobs if self.jobs > 1 else None) as run_jobs:
                yield run_jobs
        elif self.jobs > 1:
            yield Processes(self.jobs, begin=partial(begin_process, loudness()))
        else:
            yield None


def _run(
    config: TrainConfig,
    given: Collection[str],
    output: Path,
    many: _Many,
    *,
    resume: bool,
) -> None:
    from rtaction.realtime.model.pose_networks import open_pose_networks

    if many.workers > 1:
        if resume and any((output / name).exists() for name in ("folds.json", "seeds.json")):
            raise UsageError(f"{output} holds several trainings; give --jobs instead of --workers")
        _say_done(_train_together(config, given, output, many.workers, resume=resume), config)
        return
    from rtaction.train.learning.fit import assist
    from rtaction.train.learning.fit import train as run_training
    from rtaction.train.learning.many.cross_validation import cross_validate
    from rtaction.train.learning.many.seeds import train_seeds
    from rtaction.train.learning.progress import CleanConsole
    from rtaction.train.settings.team import joined_team

    team = joined_team()
    config, own = _with_own(config, given, resume=resume)
    many = many.resumed(output) if resume else many
    if many.folds is None and many.repeats > 1:
        raise UsageError("--repeats needs --folds: it repeats a cross-validation")
    if team.count > 1 and (many.folds or many.seeds):
        raise UsageError(
            "TF_CONFIG names several workers, which share one training; give no --folds"
        )
    console = CleanConsole(stderr=True, quiet=is_quiet())
    common: dict[str, Any] = {
        "resume": resume,
        "console": console,
        "open_networks": open_pose_networks,
    }
    if not team.is_chief:
        assist(config, output, **common)
        say(
            f"worker {team.number + 1} of {team.count} is done; the first one has the run", err=True
        )
        return
    with many.run_jobs() as run_jobs:
        common["run_jobs"] = run_jobs
        if many.folds is not None:
            cross_validate(config, output, folds=many.folds, repeats=many.repeats, **common)
        elif many.seeds is not None:
            train_seeds(config, output, seeds=many.seeds, **common)
        else:
            result = run_training(config, output, own=own, **common)
            _say_done(result.model, config)


def _with_own(
    config: TrainConfig, given: Collection[str], *, resume: bool
) -> tuple[TrainConfig, OwnNetwork | None]:
    """The settings with the shape of somebody's own network, and that."""
    from rtaction.train.networks.own import own_network_named
    from rtaction.train.settings.for_own import with_shape_of

    own = own_network_named(config.network)
    return (with_shape_of(own, config, given) if own and not resume else config), own


def _train_together(
    config: TrainConfig, given: Collection[str], output: Path, count: int, *, resume: bool
) -> Path:
    from rtaction.realtime.model.pose_networks import open_pose_networks
    from rtaction.train.learning.many.workers import train_with_workers

    if is_own(config.network):
        config, _ = _with_own(config, given, resume=resume)
    return train_with_workers(
        config,
        output,
        count,
        resume=resume,
        quiet=is_quiet(),
        begin=partial(begin_process, loudness()),
        open_networks=open_pose_networks,
    )


def _say_done(model: Path, config: TrainConfig) -> None:
    trust = " --trust" if is_own(config.network) and _needs_trust(model) else ""
    say(f"wrote {model}; next: {program()} export {model} -o model.onnx{trust}", err=True)


def _needs_trust(model: Path) -> bool:
    """Whether a file names code that is not part of Keras."""
    from rtaction.keras_files.archive import load_network

    try:
        load_network(model)
    except ModelUnsafe:
        return True
    return False
