"""One training, from videos to a folder with a network in it."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from rtaction.errors import DatasetError, UsageError
from rtaction.keras_tensorflow import keras
from rtaction.labelled_videos import find_videos, labels_of
from rtaction.model_spec import ModelSpec
from rtaction.quiet import native_stderr_to
from rtaction.train.augment import Augmentation
from rtaction.train.callbacks import KeepRun, ReplayHistory, SeedEachEpoch
from rtaction.train.clip_dataset import ClipDataset
from rtaction.train.clip_set import ClipSet, read_clip_set, with_clip_length
from rtaction.train.config import TrainConfig
from rtaction.train.evaluate import Evaluation, evaluate_scores, predict_scores
from rtaction.train.frame_cache import FrameCache
from rtaction.train.networks import build_network
from rtaction.train.plots import draw_confusion, draw_curves
from rtaction.train.progress import ShowProgress, print_evaluation, progress_bar
from rtaction.train.run_folder import HistoryRow, RunFolder
from rtaction.train.split import Split, split_by_group

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
        UsageError, DatasetError, OutputError, TrainingFailed: see `rtaction.errors`.
    """
    console = console or Console(stderr=True)
    folder = RunFolder(output)
    folder.check(config, resume=resume)
    split = folder.read_split() if resume else _find_and_split(config)
    unknown = sorted(set(config.keep_sides) - set(labels_of(split.train)))
    if unknown:
        raise UsageError(f"--keep-sides {unknown[0]}: expected one of {labels_of(split.train)}")
    spec, clips = _decode(config, split, console)
    keras.utils.set_random_seed(config.seed)
    history = folder.read_history()
    network = _load(folder, history) if history else _build(config, spec)
    folder.start(config, spec, split)
    folder.save_sample_clips(clips["validation" if len(clips["validation"]) > 1 else "train"])
    if _stopped_early(history, config.patience):
        console.print("this training has already ended: no epoch was better for long enough")
    else:
        with native_stderr_to(folder.native_log):
            history = _fit(network, history, config, folder, clips, console)
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
    sides = {name: videos for name, videos in split.sides().items() if videos}
    spec = config.spec(labels_of(split.train))
    cache = FrameCache(config.cache_dir, limit_gb=config.cache_gb)
    with progress_bar(console) as progress:
        total = sum(map(len, sides.values()))
        task = progress.add_task("reading videos", total=total, figures="")
        clips = {
            name: read_clip_set(
                videos,
                spec,
                stride_seconds=config.stride_seconds,
                need_every_label=name == "train",
                on_video=lambda: progress.advance(task),
                cache=cache,
            )
            for name, videos in sides.items()
        }
    for name, one in clips.items():
        console.print(f"{name}: {len(one)} clips of {len(one.videos)} videos", highlight=False)
        absent = [label for i, label in enumerate(spec.labels) if i not in one.clip_labels]
        if absent:
            _log.warning("%s has no clip of %s", name, ", ".join(absent))
    return with_clip_length(spec, clips["train"]), clips


def _build(config: TrainConfig, spec: ModelSpec) -> Any:
    network = build_network(
        spec,
        network=config.network,
        head=config.head,
        dropout=config.dropout,
        pretrained=config.pretrained,
        trainable_layers=config.trainable_layers,
        pooling=config.pooling,
    )
    network.compile(
        optimizer=keras.optimizers.Adam(config.learning_rate),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    return network


def _load(folder: RunFolder, history: list[HistoryRow]) -> Any:
    path = folder.resume_point(len(history))
    if not path.exists():
        raise UsageError(f"cannot resume: {path} is missing; train into a new folder")
    return keras.models.load_model(path)


def _stopped_early(history: list[HistoryRow], patience: int) -> bool:
    if not history:
        return False
    return len(history) - _best(history)["epoch"] >= patience


def _best(history: list[HistoryRow]) -> HistoryRow:
    return min(history, key=lambda row: row["val_loss"])


def _fit(
    network: Any,
    history: list[HistoryRow],
    config: TrainConfig,
    folder: RunFolder,
    clips: Mapping[str, ClipSet],
    console: Console,
) -> list[HistoryRow]:
    if history:
        console.print(f"going on after epoch {len(history)}", highlight=False)
    plateau = keras.callbacks.ReduceLROnPlateau(
        factor=0.25, patience=max(config.patience // 3, 1), min_lr=1e-6
    )
    stopper = keras.callbacks.EarlyStopping(patience=config.patience)
    keeper = KeepRun(folder, history)
    replay = ReplayHistory(list(history), config.learning_rate, [plateau, stopper])
    dataset = ClipDataset(
        clips["train"],
        batch_size=config.batch_size,
        seed=config.seed,
        first_epoch=len(history),
        augmentation=Augmentation.of(config.augment, keep_sides=config.keep_sides),
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
            SeedEachEpoch(config.seed),
            plateau,
            stopper,
            replay,
            keeper,
        ],
    )
    return keeper.history


def _report(
    folder: RunFolder,
    history: list[HistoryRow],
    figures: Mapping[str, Evaluation],
    console: Console,
) -> None:
    best = _best(history)
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
