"""The folder of one training: its files, and how it survives being killed.

    model.keras         the network to use: the best so far, by validation loss; at the end, with
                        calibrated scores, and after a refit, the one trained on all videos
    validated.keras     the best so far, as it was trained
    model_spec.json     its contract
    history.csv         one line per finished epoch
    train_config.json   the settings
    split.json          the videos of training, validation and test; kept by a resumed training
    resume-NNNN.keras   network and optimizer after epoch NNNN, the last line of history.csv
    sample_clips.npz    a few validation clips, for the export's parity gate
    tensorflow.log      messages of TensorFlow's C++ code
    summary.json, report.html, curves.png, confusion.png   written at the end; the
                        last one not with several labels at once

Each file is written under another name and then renamed, and history.csv comes last, so the folder
always holds a state from which training can resume.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.errors import OutputError, UsageError
from rtaction.labelled.videos import Video
from rtaction.model_spec import ModelSpec
from rtaction.output_file import raise_if_no_room, whole_file, write_json
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.data.pose_clips import PoseClips
from rtaction.train.data.split import Split
from rtaction.train.settings.config import TrainConfig
from rtaction.video.clips import read_clips

_SAMPLE_CLIPS_PER_LABEL = 4
_MAX_SAMPLE_CLIPS = 32
_MAX_PICTURED_VIDEOS = 4
# A resumed training may be longer, and uses the videos it began with.
_MAY_CHANGE = {"epochs", "videos", "videos_root"}

HistoryRow = dict[str, float]


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Paths in the folder of one training.

    Args:
        path: the folder.
        is_written: whether anything is written; of several processes that train together, one
            writes. Default True.
    """

    path: Path
    is_written: bool = True

    @property
    def model(self) -> Path:
        """The network to use."""
        return self.path / "model.keras"

    @property
    def validated(self) -> Path:
        """The best network by validation loss, with scores that are not calibrated."""
        return self.path / "validated.keras"

    @property
    def spec(self) -> Path:
        """Its contract."""
        return self.path / "model_spec.json"

    @property
    def config(self) -> Path:
        """The settings."""
        return self.path / "train_config.json"

    @property
    def history(self) -> Path:
        """One line per finished epoch."""
        return self.path / "history.csv"

    @property
    def native_log(self) -> Path:
        """The messages of TensorFlow's C++ code."""
        return self.path / "tensorflow.log" if self.is_written else Path(os.devnull)

    @property
    def split(self) -> Path:
        """The videos of training, validation and test."""
        return self.path / "split.json"

    def check(self, config: TrainConfig, *, resume: bool) -> None:
        """Check that a training may start or resume in this folder.

        Raises:
            UsageError: it holds a run and `resume` is False, or `resume` is True and it holds none
                or one with other settings.
        """
        if resume:
            changed = set(config.changed_from(TrainConfig.load(self.config))) - _MAY_CHANGE
            if changed:
                raise UsageError(
                    f"--resume: {self.path} was trained with other settings "
                    f"({', '.join(sorted(changed))}); leave them out, or train into a new folder"
                )
        elif self.history.exists():
            raise UsageError(
                f"{self.path} already holds a training; add --resume to continue it, or choose "
                "another folder with -o"
            )

    def start(self, config: TrainConfig, spec: ModelSpec, split: Split) -> None:
        """Write the settings, the contract and the split of a new training.

        Raises:
            OutputError: the folder cannot be written.
        """
        if not self.is_written:
            return
        config.save(self.config)
        spec.save(self.spec)
        self.save_split(split)

    def save_split(self, split: Split) -> None:
        """Write which videos are for what."""
        sides = {
            side: [video.to_row() for video in videos] for side, videos in split.sides().items()
        }
        write_json(self.split, sides, indent=1)

    def read_split(self) -> Split:
        """The split of an earlier training in this folder.

        Raises:
            UsageError: it is missing or damaged.
        """
        try:
            sides = json.loads(self.split.read_text(encoding="utf-8"))
            return Split(
                *(
                    [Video.from_row(row) for row in sides[side]]
                    for side in ("train", "validation", "test")
                )
            )
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise UsageError(
                f"cannot resume from {self.split}: {error}; train into a new folder"
            ) from None

    def read_history(self) -> list[HistoryRow]:
        """Finished epochs, in order; may be empty.

        Raises:
            UsageError: the file is damaged.
        """
        if not self.history.exists():
            return []
        try:
            with self.history.open(newline="", encoding="utf-8") as file:
                rows = [{key: float(row[key]) for key in row} for row in csv.DictReader(file)]
            for row in rows:
                row["epoch"], row["loss"], row["val_loss"], row["learning_rate"]
            return rows
        except (OSError, ValueError, TypeError, KeyError, csv.Error) as error:
            raise UsageError(
                f"cannot resume from {self.history}: {error}; train into a new folder"
            ) from None

    def resume_point(self, epoch: int) -> Path:
        """Network and optimizer after `epoch`, counted from 1."""
        return self.path / f"resume-{epoch:04d}.keras"

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """Say what is kept, and how to go on, if the block cannot write.

        Raises:
            OutputError: it could not, such as on a full disk.
        """
        try:
            try:
                yield
            except Exception as error:
                raise_if_no_room(error)
                raise
        except OutputError as error:
            num_epochs = len(self.read_history())
            kept = (
                f"the training up to epoch {num_epochs} is kept: once there is room, go on with "
                "--resume"
                if num_epochs
                else "no epoch is complete: once there is room, train again"
            )
            raise OutputError(f"{error}; in {self.path}, {kept}") from None

    def save_network(self, network: Any, path: Path) -> None:
        """Write a Keras network completely or not at all."""
        if self.is_written:
            with whole_file(path) as partial:
                network.save(partial)

    def save_best(self, network: Any) -> None:
        """Write a Keras network that is better than all before, as `validated` and as `model`."""
        self.save_network(network, self.validated)
        with whole_file(self.model) as partial:
            shutil.copyfile(self.validated, partial)

    def best(self) -> Path:
        """The best network as it was trained; earlier versions saved it as `model` alone."""
        return self.validated if self.validated.exists() else self.model

    def finish_epoch(self, rows: list[HistoryRow]) -> None:
        """Write the history, and delete the resume points before its last line."""
        if not self.is_written:
            return
        with whole_file(self.history) as path, path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[-1]))
            writer.writeheader()
            writer.writerows(rows)
        for old in self.path.glob("resume-*.keras"):
            if old != self.resume_point(len(rows)):
                old.unlink()

    def save_sample_clips(self, clips: ClipSet, spec: ModelSpec) -> None:
        """Save a few clips, of as many labels as possible, for the export's parity gate.

        Those of joints are saved as `points`, with the pictures of a few as `clips`.
        """
        if not self.is_written:
            return
        rounds = np.linspace(0.0, 1.0, _SAMPLE_CLIPS_PER_LABEL)
        by_label = [np.flatnonzero(clips.clip_labels == i) for i in range(len(clips.labels))]
        chosen = [int(of[int(at * (len(of) - 1))]) for at in rounds for of in by_label if len(of)]
        chosen = list(dict.fromkeys(chosen))[:_MAX_SAMPLE_CLIPS]
        arrays: dict[str, npt.NDArray[Any]]
        if isinstance(clips, PoseClips):
            videos = [clips.videos[clips.clip_videos[clip]].path for clip in chosen]
            few = list(dict.fromkeys(videos))[:_MAX_PICTURED_VIDEOS]
            pictured = [one.pictures for path in few for one in read_clips(path, spec, max_clips=1)]
            arrays = {"points": clips.points(chosen)}
            if len(pictured) > 1:  # fewer prove nothing
                arrays["clips"] = np.stack(pictured)
        else:
            arrays = {"clips": clips.pictures(chosen)}
        with whole_file(self.path / "sample_clips.npz") as path:
            np.savez_compressed(path, allow_pickle=False, **arrays)


def history_row(epoch: int, logs: Mapping[str, Any], learning_rate: float) -> HistoryRow:
    """One line of the history; `epoch` counts from 1."""
    values = {key: float(value) for key, value in logs.items() if key != "learning_rate"}
    return {"epoch": float(epoch), **values, "learning_rate": learning_rate}


def epochs_of_refit(config: TrainConfig, history: Sequence[HistoryRow]) -> int:
    """Number of epochs that `refit` trains."""
    if config.schedule == "cosine" and len(history) >= config.epochs:
        return len(history)
    return int(min(history, key=lambda row: row["val_loss"])["epoch"])
