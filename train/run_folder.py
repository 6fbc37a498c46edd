"""The folder of one training: what is in it, and how it survives being killed.

    model.keras         best network so far, by validation loss
    model_spec.json     its contract
    history.csv         one line for each finished epoch
    train_config.json   what was asked for
    resume-NNNN.keras   network and optimizer after epoch NNNN, the last line of history.csv
    sample_clips.npz    a few validation clips, for the export's parity gate
    tensorflow.log      what TensorFlow says by itself
    summary.json, curves.png, confusion.png   once it has ended

Each file is written under another name and then renamed, and history.csv comes last, so at any
moment the folder describes a state that training can go on from.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rtaction.errors import OutputError, UsageError
from rtaction.train.clip_set import ClipSet
from rtaction.train.config import TrainConfig

_SAMPLE_CLIPS_PER_LABEL = 4
_MAX_SAMPLE_CLIPS = 32

HistoryRow = dict[str, float]


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Paths in the folder of one training.

    Args:
        path: the folder.
    """

    path: Path

    @property
    def model(self) -> Path:
        """The best network."""
        return self.path / "model.keras"

    @property
    def spec(self) -> Path:
        """Its contract."""
        return self.path / "model_spec.json"

    @property
    def config(self) -> Path:
        """What was asked for."""
        return self.path / "train_config.json"

    @property
    def history(self) -> Path:
        """One line for each finished epoch."""
        return self.path / "history.csv"

    @property
    def native_log(self) -> Path:
        """What TensorFlow says by itself."""
        return self.path / "tensorflow.log"

    def prepare(self, config: TrainConfig, *, resume: bool) -> None:
        """Make the folder, or check that it can be resumed.

        Raises:
            UsageError: it holds a run and `resume` is False, or holds another or none and it is
                True.
            OutputError: it cannot be made.
        """
        if resume:
            changed = config.changed_from(TrainConfig.load(self.config))
            if changed and changed != ["epochs"]:
                raise UsageError(
                    f"--resume: {self.path} was trained with other settings "
                    f"({', '.join(changed)}); give the same ones, or train into a new folder"
                )
        elif self.config.exists():
            raise UsageError(
                f"{self.path} already holds a training; add --resume to go on with it, or choose "
                "another folder with -o"
            )
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            config.save(self.config)
        except OSError as error:
            raise OutputError(f"cannot write into {self.path}: {error}") from None

    def read_history(self) -> list[HistoryRow]:
        """Finished epochs, in order; empty where none is."""
        if not self.history.exists():
            return []
        with self.history.open(newline="", encoding="utf-8") as file:
            return [
                {key: float(value) for key, value in row.items()} for row in csv.DictReader(file)
            ]

    def resume_point(self, epoch: int) -> Path:
        """Network and optimizer after `epoch`, counted from 1."""
        return self.path / f"resume-{epoch:04d}.keras"

    def save_network(self, network: Any, path: Path) -> None:
        """Write a Keras network so that no moment sees half of it."""
        # Keras chooses its format by the suffix.
        partial = path.with_name(f"partial-{path.name}")
        network.save(partial)
        os.replace(partial, path)

    def finish_epoch(self, rows: list[HistoryRow]) -> None:
        """Write the history, and drop the resume points before its last line."""
        partial = self.path / "partial-history.csv"
        with partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[-1]))
            writer.writeheader()
            writer.writerows(rows)
        os.replace(partial, self.history)
        for old in self.path.glob("resume-*.keras"):
            if old != self.resume_point(len(rows)):
                old.unlink()

    def save_sample_clips(self, clips: ClipSet) -> None:
        """Keep a few clips of each label for the export's parity gate."""
        chosen: list[int] = []
        for label in range(len(clips.labels)):
            of_label = np.flatnonzero(clips.clip_labels == label)
            spread = np.linspace(0, len(of_label) - 1, min(len(of_label), _SAMPLE_CLIPS_PER_LABEL))
            chosen += of_label[np.unique(spread.astype(np.intp))].tolist()
        images = clips.images(chosen[:_MAX_SAMPLE_CLIPS])
        np.savez_compressed(self.path / "sample_clips.npz", clips=images)


def history_row(epoch: int, logs: Mapping[str, Any], learning_rate: float) -> HistoryRow:
    """One line of the history; `epoch` counts from 1."""
    values = {key: float(value) for key, value in logs.items() if key != "learning_rate"}
    return {"epoch": float(epoch), **values, "learning_rate": learning_rate}
