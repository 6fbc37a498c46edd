"""Trainings of seconds, on drawn squares that move."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from rich.console import Console

from rtaction.keras_tensorflow import tensorflow
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.learning import fit, summary
from rtaction.train.learning.fit import train
from rtaction.train.learning.training_data import decode
from rtaction.train.report.judged_clips import predict_scores
from rtaction.train.settings.config import TrainConfig
from rtaction.train.settings.run_folder import RunFolder
from tests.videos import write_video

EVEN = {"right": 6, "down": 6}
_STEPS = {"right": (0, 3), "down": (3, 0)}


def write_squares(folder: Path, num_videos: Mapping[str, int] = EVEN) -> Path:
    """A square that moves right, or down: so many videos of each."""
    times = np.arange(16) / 10
    for label, count in num_videos.items():
        step = _STEPS[label]
        for take in range(count):
            images = np.full((len(times), 64, 64, 3), 20 + 5 * take, np.uint8)
            for number, image in enumerate(images):
                top, left = 4 + take + number * step[0], 4 + take + number * step[1]
                image[top : top + 8, left : left + 8] = 230
            write_video(folder / label / f"{take}.mp4", images, times)
    return folder


def small_config(videos: Path, **changes: Any) -> TrainConfig:
    """Settings under which one training takes about two seconds."""
    config = TrainConfig(
        videos=str(videos),
        network="small",
        head="average",
        frames_per_clip=2,
        clip_seconds=0.6,
        stride_seconds=0.3,
        height=32,
        width=32,
        epochs=6,
        batch_size=8,
        validation_fraction=0.34,
        dropout=0.1,
        cache_dir=str(videos.with_name("cache")),
    )
    return replace(config, **changes)


@contextmanager
def untraced(config: TrainConfig) -> Iterator[None]:
    """Run a short training step by step: to trace its graph takes longer than two epochs do."""
    before = tensorflow.config.functions_run_eagerly()
    tensorflow.config.run_functions_eagerly(config.epochs <= 2)
    try:
        yield
    finally:
        tensorflow.config.run_functions_eagerly(before)


@contextmanager
def undrawn() -> Iterator[None]:
    """Leave out the plots and the report of a training, which take as long as three epochs."""
    with pytest.MonkeyPatch.context() as patch:
        for place, name in (
            (summary, "draw_curves"),
            (summary, "draw_confusion"),
            (fit, "write_report"),
        ):
            patch.setattr(place, name, lambda *_: None)
        yield


def quiet_training(
    config: TrainConfig, folder: Path, *, resume: bool = False, is_drawn: bool = False
) -> list[Any]:
    """Train and return the history."""
    with untraced(config), nullcontext() if is_drawn else undrawn():
        train(config, folder, resume=resume, console=Console(file=StringIO()))
    return RunFolder(folder).read_history()


def spoken_training(config: TrainConfig, folder: Path, *, is_resumed: bool = False) -> str:
    """Train and return what was said."""
    output = StringIO()
    with untraced(config), undrawn():
        train(config, folder, resume=is_resumed, console=Console(file=output, width=200))
    return output.getvalue()


def validation_clips(config: TrainConfig, folder: Path) -> ClipSet:
    """The clips that a training was validated on."""
    _, clips = decode(config, RunFolder(folder).read_split(), Console(file=StringIO()))
    return clips["validation"]


def mean_loss(network: Any, clips: ClipSet) -> float:
    """Cross-entropy of a network's scores, in double precision."""
    scores: npt.NDArray[np.float64] = predict_scores(network, clips).astype(np.float64)
    right = scores[np.arange(len(clips)), clips.clip_labels]
    return float(-np.log(right).mean())
