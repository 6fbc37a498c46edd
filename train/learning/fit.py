"""One training, from labelled videos to a run."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from rtaction.errors import UsageError
from rtaction.keras_tensorflow import keras, native_stderr_to
from rtaction.model_spec import ModelSpec
from rtaction.output_file import write_json
from rtaction.train.data.balance import class_weights, describe_balance
from rtaction.train.data.clip_dataset import ClipDataset
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.data.split import Split
from rtaction.train.learning.at_once import fit_at_once, require_solvable
from rtaction.train.learning.auto import choose_settings
from rtaction.train.learning.calibrating import calibrate
from rtaction.train.learning.callbacks import (
    KeepRun,
    ReplayHistory,
    SeedEachEpoch,
    TensorBoardLog,
    require_tensorboard,
)
from rtaction.train.learning.fusion import Weights, fuse_streams
from rtaction.train.learning.learner import (
    Learner,
    divided_scores,
    encoded_datasets,
    load_saved,
    new_learner,
    resumed_trainee,
)
from rtaction.train.learning.progress import CleanConsole, ShowProgress, print_evaluation
from rtaction.train.learning.refit import refit
from rtaction.train.learning.training_data import (
    OpenPoseNetworks,
    datasets,
    decode,
    find_and_split,
)
from rtaction.train.networks.build import require_size
from rtaction.train.report.calibration import at_temperature, calibration_errors, calibration_text
from rtaction.train.report.judged_clips import JudgedClips, predict_scores
from rtaction.train.report.plots import draw_confusion, draw_curves
from rtaction.train.report.write import Training, write_report
from rtaction.train.settings import people, streams
from rtaction.train.settings.config import TrainConfig
from rtaction.train.settings.hardware import Hardware, choose_hardware
from rtaction.train.settings.precision import precision_of
from rtaction.train.settings.run_folder import HistoryRow, RunFolder
from rtaction.train.settings.schedule import schedule_callback
from rtaction.video.labelled_videos import labels_of


@dataclass(frozen=True, eq=False)
class TrainResult:
    """The result of a training.

    Args:
        model: path of the final network.
        num_epochs: finished epochs, including those before a resume.
        validation: the validation clips with their scores.
        test: the test clips with their scores; None without test clips.
    """

    model: Path
    num_epochs: int
    validation: JudgedClips
    test: JudgedClips | None


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

    Raises:
        UsageError, DatasetError, OutputError, MissingLibrary, TrainingFailed: see
            `rtaction.errors`.
    """
    console = console or CleanConsole(stderr=True)
    folder = RunFolder(output)
    config, split = _settle(config, folder, split, console, open_networks, resume=resume)
    with folder.keeping():
        return _train(config, folder, split, console, open_networks)


def _train(
    config: TrainConfig,
    folder: RunFolder,
    split: Split,
    console: Console,
    open_networks: OpenPoseNetworks | None,
) -> TrainResult:
    spec, clips = decode(config, split, console, open_networks)
    keras.utils.set_random_seed(config.seed)
    history = folder.read_history()
    training, validation = datasets(config, clips, first_epoch=len(history))
    batch_sizes = training.batch_sizes + validation.batch_sizes
    learner, hardware = _begin(config, spec, clips, folder, batch_sizes)
    _say_how(config, hardware, clips["train"], console)
    folder.start(config, spec, split)
    folder.save_sample_clips(clips["validation" if len(clips["validation"]) > 1 else "train"], spec)
    num_epochs_before, started_seconds = len(history), time.monotonic()
    has_ended = _has_ended(config, history)
    if has_ended:
        console.print("this training has already finished")
    with native_stderr_to(folder.native_log):
        if not has_ended:
            sets = training, validation
            if not learner.is_whole:
                sets = encoded_datasets(learner, config, clips, console, first_epoch=len(history))
            if config.solver == "ridge":
                history = fit_at_once(learner, config, folder, *sets, console)
            else:
                history = _fit(learner, history, config, folder, *sets, console)
        fusion = fuse_streams(config, folder, clips["validation"], console)
        if config.refit:
            refit(config, spec, clips, folder, history, hardware, console, fusion)
    scored = partial(_scored, config=config, is_divided=not learner.is_whole)
    validated = scored(folder.best(), clips["validation"])
    spec = calibrate(folder, spec, validated, console, refitted=config.refit)
    judged = {"validation": at_temperature(validated, spec.temperature)}
    if "test" in clips:
        judged["test"] = scored(folder.model, clips["test"])
    _report(folder, history, spec, judged, console, fusion)
    if config.refit:
        console.print(_REFITTED, highlight=False)
    training_done = Training(
        config=config,
        spec=spec,
        model=folder.model,
        history=history,
        training=clips["train"],
        judged=judged,
        num_weights=learner.network.count_params(),
        hardware=hardware,
        num_epochs_before=num_epochs_before,
        seconds=None if has_ended else time.monotonic() - started_seconds,
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
    *,
    resume: bool,
) -> tuple[TrainConfig, Split]:
    """The final settings and split."""
    people.require_sensible(config)
    streams.require_sensible(config)
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
        given, config = config, choose_settings(config, split, console, open_networks)
        if config is given:
            console.print("auto: nothing left to choose: every setting is given", highlight=False)
        require_solvable(config)
    require_size(config.height, config.width)  # decoding may take hours
    return config, split


def _begin(
    config: TrainConfig,
    spec: ModelSpec,
    clips: Mapping[str, ClipSet],
    folder: RunFolder,
    batch_sizes: list[int],
) -> tuple[Learner, Hardware]:
    """A new or resumed learner, and the hardware to train on."""
    hardware = choose_hardware(config.precision, config.devices, batch_sizes=batch_sizes)
    num_epochs = len(folder.read_history())
    with hardware.scope():
        learner = (
            resumed_trainee(config, spec, clips, folder, num_epochs)
            if num_epochs
            else new_learner(config, spec, clips, hardware.precision)
        )
    hardware.share(learner.part)
    # A training keeps its initial precision, even if resumed on another machine.
    return learner, replace(hardware, precision=precision_of(learner.part))


def _scored(network: Path, clips: ClipSet, *, config: TrainConfig, is_divided: bool) -> JudgedClips:
    """Clips with the scores of a saved network."""
    loaded = load_saved(network)
    if is_divided:
        return JudgedClips(clips, divided_scores(loaded, config, clips))
    return JudgedClips(clips, predict_scores(loaded, clips))


def _say_how(config: TrainConfig, hardware: Hardware, clips: ClipSet, console: Console) -> None:
    console.print(hardware.describe(config.batch_size), highlight=False)
    balance = describe_balance(clips.labels, clips.clip_labels, config.balance)
    if balance:
        console.print(balance, highlight=False)


def _has_ended(config: TrainConfig, history: list[HistoryRow]) -> bool:
    """Whether there is nothing to go on with, as it stopped early or was solved at once."""
    if not history:
        return False
    return config.solver == "ridge" or len(history) - _best(history)["epoch"] >= config.patience


def _best(history: list[HistoryRow]) -> HistoryRow:
    return min(history, key=lambda row: row["val_loss"])


def _fit(
    learner: Learner,
    history: list[HistoryRow],
    config: TrainConfig,
    folder: RunFolder,
    training: ClipDataset,
    validation: ClipDataset,
    console: Console,
) -> list[HistoryRow]:
    if history:
        console.print(f"resuming after epoch {len(history)}", highlight=False)
    schedule = schedule_callback(
        config.schedule,
        epochs=config.epochs,
        learning_rate=config.learning_rate,
        patience=max(config.patience // 3, 1),
    )
    stopper = keras.callbacks.EarlyStopping(patience=config.patience)
    averages = keras.callbacks.SwapEMAWeights() if config.ema else None
    keeper = KeepRun(folder, history, learner.network, averages)
    weights = class_weights(training.clips.clip_labels) if config.balance == "weights" else None
    replay = ReplayHistory(list(history), config.learning_rate, [schedule, stopper])
    learner.part.fit(
        training,
        validation_data=validation,
        initial_epoch=len(history),
        epochs=max(config.epochs, len(history)),
        shuffle=False,  # the dataset shuffles clips; Keras would shuffle batches with a global seed
        verbose=0,
        class_weight=weights,
        callbacks=[
            ShowProgress(console, config.epochs),
            SeedEachEpoch(config.seed),
            schedule,
            stopper,
            replay,
            *([averages] if averages else []),
            *([TensorBoardLog(folder.path / "tensorboard")] if config.tensorboard else []),
            keeper,
        ],
    )
    return keeper.history


def _report(
    folder: RunFolder,
    history: list[HistoryRow],
    spec: ModelSpec,
    judged: Mapping[str, JudgedClips],
    console: Console,
    fusion: Weights | None,
) -> None:
    best = _best(history)
    summary: dict[str, Any] = {"num_epochs": len(history), "best_epoch": int(best["epoch"])}
    summary["temperature"] = spec.temperature
    if fusion is not None:
        summary["fusion"] = fusion
    for name, one in judged.items():
        errors = calibration_errors(one, spec.temperature)
        summary[name] = one.to_dict() | {"calibration_error": errors}
    write_json(folder.path / "summary.json", summary)
    draw_curves(history, folder.path / "curves.png")
    draw_confusion(judged["validation"].by_clip, folder.path / "confusion.png")
    console.print(
        f"{len(history)} epochs; the best was {int(best['epoch'])} "
        f"(validation loss {best['val_loss']:.3f})",
        highlight=False,
    )
    for name, one in judged.items():
        print_evaluation(console, one, name)
        console.print(calibration_text(one, name, spec.temperature), highlight=False)
