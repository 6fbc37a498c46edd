"""One training, from videos to a folder with a network in it."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from rtaction.errors import DatasetError
from rtaction.keras_tensorflow import keras
from rtaction.model_spec import ModelSpec
from rtaction.quiet import native_stderr_to
from rtaction.train.clip_set import ClipSet, read_clip_set, with_clip_length
from rtaction.train.config import TrainConfig
from rtaction.train.evaluate import Evaluation, evaluate_scores, predict_scores
from rtaction.train.generators import ClipDataset
from rtaction.train.networks import build_network
from rtaction.train.plots import draw_confusion, draw_curves
from rtaction.train.progress import ShowProgress, print_evaluation, progress_bar
from rtaction.train.run_folder import HistoryRow, RunFolder, history_row
from rtaction.train.split import Split, split_by_group
from rtaction.train.videos import find_videos, labels_of

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class TrainResult:
    """What a training reached.

    Args:
        model: path of the best network.
        num_epochs: finished epochs, those before a resume included.
        validation: figures on the validation clips.
        test: figures on the test clips, or None where there are none.
    """

    model: Path
    num_epochs: int
    validation: Evaluation
    test: Evaluation | None


def train(
    config: TrainConfig, output: Path, *, resume: bool = False, console: Console | None = None
) -> TrainResult:
    """Train a network on folders of clips.

    Args:
        config: what to do.
        output: folder for the result, see `run_folder`.
        resume: go on where an earlier training in that folder ended or was killed. Default False.
        console: where progress is shown. Default: stderr.

    Raises:
        UsageError, DatasetError, OutputError: see `rtaction.errors`.
    """
    console = console or Console(stderr=True)
    folder = RunFolder(output)
    split = _find_and_split(config)
    folder.prepare(config, resume=resume)
    keras.utils.set_random_seed(config.seed)
    spec, clips = _decode(config, split, console)
    spec.save(folder.spec)
    folder.save_sample_clips(clips["validation"])
    with native_stderr_to(folder.native_log):
        history = _fit(config, spec, folder, clips, console)
    best = keras.models.load_model(folder.model)
    figures: dict[str, Evaluation] = {
        name: evaluate_scores(predict_scores(best, clips[name]), clips[name])
        for name in ("validation", "test")
        if name in clips
    }
    _report(folder, history, figures, console)
    return TrainResult(folder.model, len(history), figures["validation"], figures.get("test"))


def _find_and_split(config: TrainConfig) -> Split:
    videos = find_videos(config.videos, group=config.group)
    split = split_by_group(
        videos,
        validation_fraction=config.validation_fraction,
        test_fraction=config.test_fraction,
        validation_groups=config.validation_groups or None,
        seed=config.seed,
    )
    if not split.validation:
        raise DatasetError(
            f"nothing is left to validate on: expected groups that make up about "
            f"{config.validation_fraction:.0%} of {len(videos)} videos; add videos, or raise "
            "--validation-fraction"
        )
    return split


def _decode(
    config: TrainConfig, split: Split, console: Console
) -> tuple[ModelSpec, dict[str, ClipSet]]:
    sides = {"train": split.train, "validation": split.validation, "test": split.test}
    sides = {name: videos for name, videos in sides.items() if videos}
    spec = ModelSpec(
        labels=labels_of(split.train),
        frames_per_clip=config.frames_per_clip,
        clip_seconds=config.clip_seconds,
        height=config.height,
        width=config.width,
        modality=config.modality,
        sampling=config.sampling,
        resize=config.resize,
        background_label=config.background_label,
    )
    with progress_bar(console) as progress:
        total = sum(map(len, sides.values()))
        task = progress.add_task("reading videos", total=total, figures="")
        clips = {
            name: read_clip_set(
                videos,
                spec,
                stride_seconds=config.stride_seconds,
                on_video=lambda: progress.advance(task),
            )
            for name, videos in sides.items()
        }
    for name, one in clips.items():
        console.print(f"{name}: {len(one)} clips of {len(one.videos)} videos", highlight=False)
    return with_clip_length(spec, clips["train"]), clips


def _fit(
    config: TrainConfig,
    spec: ModelSpec,
    folder: RunFolder,
    clips: Mapping[str, ClipSet],
    console: Console,
) -> list[HistoryRow]:
    history = folder.read_history()
    if history:
        network = keras.models.load_model(folder.resume_point(len(history)))
        console.print(f"going on after epoch {len(history)}", highlight=False)
    else:
        network = build_network(
            spec, network=config.network, recurrent=config.recurrent, dropout=config.dropout
        )
        network.compile(
            optimizer=keras.optimizers.Adam(config.learning_rate),
            loss="categorical_crossentropy",
            metrics=["accuracy"],
        )
    plateau = keras.callbacks.ReduceLROnPlateau(
        factor=0.25, patience=max(config.patience // 3, 1), min_lr=1e-6
    )
    stopper = keras.callbacks.EarlyStopping(patience=config.patience)
    keeper = _KeepRun(folder, history)
    replay = _ReplayHistory(list(history), config.learning_rate, [plateau, stopper])
    dataset = ClipDataset(
        clips["train"],
        batch_size=config.batch_size,
        seed=config.seed,
        first_epoch=len(history),
    )
    network.fit(
        dataset,
        validation_data=ClipDataset(
            clips["validation"], batch_size=config.batch_size, shuffle=False
        ),
        initial_epoch=len(history),
        epochs=max(config.epochs, len(history)),
        shuffle=False,  # the dataset shuffles clips; Keras would shuffle batches, by a global seed
        verbose=0,
        callbacks=[
            ShowProgress(console, config.epochs),
            _SeedEachEpoch(config.seed),
            plateau,
            stopper,
            replay,
            keeper,
        ],
    )
    return keeper.history


class _SeedEachEpoch(keras.callbacks.Callback):  # type: ignore[misc]
    """Lets the epoch's number determine what dropout drops, so that resumed trainings do the same.

    Keras does not save the state of its random layers.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._seed = seed

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Runs before the first batch."""
        states = [v for v in self.model.variables if v.path.endswith("seed_generator_state")]
        for number, state in enumerate(states):
            state.assign(np.random.default_rng([self._seed, epoch, number]).integers(2**32, size=2))


class _ReplayHistory(keras.callbacks.Callback):  # type: ignore[misc]
    """Gives a resumed training's callbacks the past they have missed.

    Keras does not save the state of its callbacks; the figures of the finished epochs determine it.
    """

    def __init__(
        self, history: list[HistoryRow], learning_rate: float, callbacks: list[Any]
    ) -> None:
        super().__init__()
        self._history = history
        self._learning_rate = learning_rate
        self._callbacks = callbacks

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Runs after the others' `on_train_begin`, which empties them."""
        if not self._history:
            return
        self.model.optimizer.learning_rate = self._learning_rate
        for epoch, row in enumerate(self._history):
            for callback in self._callbacks:
                callback.on_epoch_end(epoch, dict(row))


class _KeepRun(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the best network, and after each epoch all that is needed to go on from it."""

    def __init__(self, folder: RunFolder, history: list[HistoryRow]) -> None:
        super().__init__()
        self.history = history
        self._folder = folder

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Save; the history comes last, since it says what is complete."""
        rate = float(self.model.optimizer.learning_rate)
        row = history_row(epoch + 1, logs or {}, rate)
        best_before = min((old["val_loss"] for old in self.history), default=float("inf"))
        if row["val_loss"] < best_before:
            self._folder.save_network(self.model, self._folder.model)
        self._folder.save_network(self.model, self._folder.resume_point(epoch + 1))
        self.history.append(row)
        self._folder.finish_epoch(self.history)


def _report(
    folder: RunFolder,
    history: list[HistoryRow],
    figures: Mapping[str, Evaluation],
    console: Console,
) -> None:
    best = min(history, key=lambda row: row["val_loss"])
    summary: dict[str, Any] = {"num_epochs": len(history), "best_epoch": int(best["epoch"])}
    summary |= {name: evaluation.to_dict() for name, evaluation in figures.items()}
    text = json.dumps(summary, ensure_ascii=False, indent=2)
    (folder.path / "summary.json").write_text(text + "\n", encoding="utf-8")
    draw_curves(history, folder.path / "curves.png")
    draw_confusion(figures["validation"], folder.path / "confusion.png")
    console.print(
        f"{len(history)} epochs; the best was {int(best['epoch'])} "
        f"(validation loss {best['val_loss']:.3f})",
        highlight=False,
    )
    for name, evaluation in figures.items():
        print_evaluation(console, evaluation, f"On {name}")
