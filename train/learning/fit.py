"""One training, from labelled videos to a run."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from rtaction.errors import UsageError
from rtaction.jobs import RunJobs
from rtaction.keras_tensorflow import keras, native_stderr_to
from rtaction.labelled.videos import labels_of
from rtaction.model_spec import ModelSpec
from rtaction.train.data.balance import describe_balance
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.data.split import Split
from rtaction.train.learning.at_once import fit_at_once, require_solvable
from rtaction.train.learning.auto.choice import choose_settings
from rtaction.train.learning.calibrating import calibrate
from rtaction.train.learning.callbacks import require_tensorboard
from rtaction.train.learning.fusion import Weights, fuse_streams
from rtaction.train.learning.learner import (
    Learner,
    divided_scores,
    encoded_datasets,
    load_saved,
    new_learner,
    resumed_trainee,
)
from rtaction.train.learning.progress import CleanConsole
from rtaction.train.learning.refit import refit
from rtaction.train.learning.result import TrainResult
from rtaction.train.learning.steps import fit_by_steps, has_ended
from rtaction.train.learning.summary import sum_up
from rtaction.train.learning.training_data import (
    OpenPoseNetworks,
    datasets,
    decode,
    find_and_split,
)
from rtaction.train.networks.build import require_size
from rtaction.train.networks.own import OwnNetwork, own_network_named
from rtaction.train.report.calibration import at_temperature
from rtaction.train.report.judged_clips import JudgedClips, predict_scores
from rtaction.train.report.write import Training, write_report
from rtaction.train.settings import people, streams
from rtaction.train.settings.config import TrainConfig
from rtaction.train.settings.for_own import settings_for
from rtaction.train.settings.hardware import Hardware, choose_hardware
from rtaction.train.settings.precision import precision_of
from rtaction.train.settings.run_folder import HistoryRow, RunFolder
from rtaction.train.settings.several_labels import require_separable
from rtaction.train.settings.team import Team, joined_team

_REFITTED = (
    "the final network was trained on the validation videos as well; the results on them are those "
    "of the network before"
)


def train(
    config: TrainConfig,
    output: Path,
    *,
    resume: bool = False,
    split: Split | None = None,
    console: Console | None = None,
    open_networks: OpenPoseNetworks | None = None,
    own: OwnNetwork | None = None,
    callbacks: Sequence[Any] = (),
    run_jobs: RunJobs | None = None,
) -> TrainResult:
    """Train a network on folders of labelled videos.

    Args:
        config: the settings; to resume, those that the run has saved, with what is to change.
        output: folder for the result, see `run_folder`.
        resume: continue an earlier training in that folder. Default False.
        split: videos for training, validation and test; a resumed training keeps its own. Default:
            found and split according to `config`.
        console: where progress is shown. Default: stderr.
        open_networks: loads the networks that read joints, which the modality "pose" needs, such
            as `rtaction.realtime.model.pose_networks.open_pose_networks`. Default None.
        own: builds the network, see `rtaction.train.networks.own`. Default: what
            `config.network` names, if it is `module:function`.
        callbacks: of Keras; called after those of the training, so that what an epoch has learnt
            is on the disk. A refit does not call them. Default none.
        run_jobs: runs the trials of `--auto` at once. Default None: in a row.

    Raises:
        UsageError, DatasetError, OutputError, MissingLibrary, TrainingFailed: see
            `rtaction.errors`.
    """
    team = joined_team()
    if not team.is_chief:
        raise UsageError(
            f"this process is worker {team.number + 1} of {team.count}, and the first one has the "
            "result; call rtaction.train.learning.fit.assist in the others, or use `rtaction train`"
        )
    console = console or CleanConsole(stderr=True)
    folder = RunFolder(output)
    own = own or own_network_named(config.network)
    settle = partial(_settle, run_jobs=run_jobs, resume=resume)
    config, split = settle(config, folder, split, console, open_networks, own, team)
    with folder.keeping(), team.watched():
        learned = _learn(config, folder, split, console, open_networks, own, callbacks, team)
        return _finish(config, folder, learned, console, own)


def assist(
    config: TrainConfig,
    output: Path,
    *,
    resume: bool = False,
    console: Console | None = None,
    open_networks: OpenPoseNetworks | None = None,
) -> int:
    """Train as another worker than the first one, which calls `train`; nothing is written.

    Args:
        config: the settings, those of the first worker.
        output: to resume, the first worker's folder, or a copy of it.
        resume: see `train`. Default False.
        console: where progress is shown. Default: stderr.
        open_networks: see `train`. Default None.

    Returns:
        The number of finished epochs.

    Raises:
        UsageError, DatasetError, MissingLibrary, TrainingFailed: see `rtaction.errors`.
    """
    team = joined_team()
    console = console or CleanConsole(stderr=True)
    folder = RunFolder(output, is_written=False)
    own = own_network_named(config.network)
    config, split = _settle(config, folder, None, console, open_networks, own, team, resume=resume)
    with team.watched():
        learned = _learn(config, folder, split, console, open_networks, own, (), team)
    return len(learned.history)


@dataclass(frozen=True, eq=False)
class _Learned:
    """A training whose steps are done; everything else is left to the chief."""

    spec: ModelSpec
    clips: Mapping[str, ClipSet]
    learner: Learner
    hardware: Hardware
    history: list[HistoryRow]
    num_epochs_before: int
    seconds: float | None
    fusion: Weights | None


def _learn(
    config: TrainConfig,
    folder: RunFolder,
    split: Split,
    console: Console,
    open_networks: OpenPoseNetworks | None,
    own: OwnNetwork | None,
    callbacks: Sequence[Any],
    team: Team,
) -> _Learned:
    """What each worker does."""
    spec, clips = decode(config, split, console, open_networks)
    keras.utils.set_random_seed(config.seed)
    history = folder.read_history()
    num_epochs_before, started_seconds = len(history), time.monotonic()
    training, validation = datasets(config, clips, first_epoch=num_epochs_before, team=team)
    batch_sizes = training.batch_sizes + validation.batch_sizes
    learner, hardware = _begin(config, spec, clips, folder, batch_sizes, own, team)
    _say_how(config, hardware, clips["train"], console)
    folder.start(config, spec, split)
    folder.save_sample_clips(clips["validation" if len(clips["validation"]) > 1 else "train"], spec)
    is_done = has_ended(config, history)
    if is_done:
        console.print("this training has already finished")
    fusion = None
    with native_stderr_to(folder.native_log), hardware.starting_soon():
        if not is_done:
            sets = training, validation
            if not learner.is_whole:
                sets = encoded_datasets(
                    learner, config, clips, console, first_epoch=num_epochs_before, team=team
                )
            if config.solver == "ridge":
                history = fit_at_once(learner, config, folder, *sets, console)
            else:
                history = fit_by_steps(
                    learner, history, config, folder, *sets, console, callbacks, team
                )
        if team.is_chief and own is None:
            fusion = fuse_streams(config, folder, clips["validation"], console)
        if config.refit:
            refit(config, spec, clips, folder, history, hardware, console, fusion, own)
    seconds = None if is_done else time.monotonic() - started_seconds
    return _Learned(spec, clips, learner, hardware, history, num_epochs_before, seconds, fusion)


def _finish(
    config: TrainConfig,
    folder: RunFolder,
    learned: _Learned,
    console: Console,
    own: OwnNetwork | None,
) -> TrainResult:
    """Judge and calibrate the network, and report."""
    spec, clips, history = learned.spec, learned.clips, learned.history
    scored = partial(_scored, config=config, own=own, is_divided=not learned.learner.is_whole)
    validated = scored(folder.best(), clips["validation"])
    if config.solver == "steps":  # a closed form calibrates on all clips, each left out once
        spec = calibrate(folder, spec, validated, console, config=config, own=own)
    judged = {"validation": at_temperature(validated, spec.temperature)}
    if "test" in clips:
        judged["test"] = scored(folder.model, clips["test"])
    sum_up(folder, history, spec, judged, console, learned.fusion)
    if config.refit:
        console.print(_REFITTED, highlight=False)
    training_done = Training(
        config=config,
        spec=spec,
        model=folder.model,
        history=history,
        training=clips["train"],
        judged=judged,
        num_weights=learned.learner.network.count_params(),
        hardware=learned.hardware,
        num_epochs_before=learned.num_epochs_before,
        seconds=learned.seconds,
        needs_trust=own is not None and own.needs_trust,
    )
    write_report(training_done, folder.path / "report.html")
    console.print(f"report: {folder.path / 'report.html'}", highlight=False, soft_wrap=True)
    return TrainResult(folder.model, len(history), judged["validation"], judged.get("test"))


def _settle(
    config: TrainConfig,
    folder: RunFolder,
    split: Split | None,
    console: Console,
    open_networks: OpenPoseNetworks | None,
    own: OwnNetwork | None,
    team: Team,
    *,
    resume: bool,
    run_jobs: RunJobs | None = None,
) -> tuple[TrainConfig, Split]:
    """The final settings and split."""
    people.require_sensible(config)
    streams.require_sensible(config)
    require_separable(config)
    config = settings_for(config, own)
    if config.chosen_but is None:
        require_solvable(config)
    folder.check(config, resume=resume)
    if config.tensorboard:
        require_tensorboard()
    split = folder.read_split() if resume else split or find_and_split(config, console)
    unknown = sorted(set(config.keep_sides) - set(labels_of(split.train)))
    if unknown:
        raise UsageError(f"--keep-sides {unknown[0]}: expected one of {labels_of(split.train)}")
    if config.chosen_but is not None and not resume:
        given, config = config, choose_settings(config, split, console, open_networks, run_jobs)
        if config is given:
            console.print("auto: nothing left to choose: every setting is given", highlight=False)
        require_solvable(config)
    if config.solver == "ridge" and team.count > 1:
        raise UsageError(
            "a network that is solved at once (solver ridge) has no steps that several workers "
            "could share; leave --workers out"
        )
    # Decoding may take hours.
    if own:
        own.build(config.spec(labels_of(split.train)))
        console.print(own.about, highlight=False)
    else:
        require_size(config.height, config.width)
    return config, split


def _begin(
    config: TrainConfig,
    spec: ModelSpec,
    clips: Mapping[str, ClipSet],
    folder: RunFolder,
    batch_sizes: list[int],
    own: OwnNetwork | None,
    team: Team,
) -> tuple[Learner, Hardware]:
    """A new or resumed learner, and the hardware to train on."""
    hardware = choose_hardware(config.precision, config.devices, batch_sizes=batch_sizes, team=team)
    num_epochs = len(folder.read_history())
    with hardware.scope():
        learner = (
            resumed_trainee(config, spec, clips, folder, num_epochs, own)
            if num_epochs
            else new_learner(config, spec, clips, hardware.precision, own)
        )
    hardware.share(learner.part)
    # A training keeps its initial precision, even if resumed on another machine.
    return learner, replace(hardware, precision=precision_of(learner.part))


def _scored(
    network: Path,
    clips: ClipSet,
    *,
    config: TrainConfig,
    own: OwnNetwork | None,
    is_divided: bool,
) -> JudgedClips:
    """Clips with the scores of a saved network."""
    loaded = load_saved(network, own=own.objects if own else None)
    if is_divided:
        return JudgedClips(clips, divided_scores(loaded, config, clips))
    return JudgedClips(clips, predict_scores(loaded, clips))


def _say_how(config: TrainConfig, hardware: Hardware, clips: ClipSet, console: Console) -> None:
    console.print(hardware.describe(config.batch_size), highlight=False)
    if clips.truths is not None:
        return
    balance = describe_balance(clips.labels, clips.clip_labels, config.balance)
    if balance:
        console.print(balance, highlight=False)
