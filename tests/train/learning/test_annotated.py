"""Trainings on an annotation file: parts of videos, its split, and a resume that keeps both."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from rtaction.train.settings.config import TrainConfig
from rtaction.train.settings.run_folder import RunFolder
from rtaction.video.span import Span
from tests.train.small_training import quiet_training, small_config, spoken_training
from tests.videos import write_video


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> TrainConfig:
    """Four videos in which a square moves right from 0 to 1.6 s, then down until 3.2 s."""
    folder = tmp_path_factory.mktemp("annotated")
    times = np.arange(32) / 10
    lines = ["video,label,start,end,split"]
    for take in range(4):
        images = np.full((len(times), 64, 64, 3), 20 + 5 * take, np.uint8)
        for number, image in enumerate(images):
            right, down = min(number, 16) * 2, max(number - 16, 0) * 3
            image[4 + down : 12 + down, 4 + right + take : 12 + right + take] = 230
        write_video(folder / f"videos/{take}.mp4", images, times)
        part = "val" if take == 3 else "train"
        lines += [f"{take}.mp4,right,0,1.6,{part}", f"{take}.mp4,down,1.6,3.2,{part}"]
    (folder / "labels.csv").write_text("\n".join(lines), encoding="utf-8")
    return small_config(
        folder / "labels.csv",
        videos_root=str(folder / "videos"),
        validation_fraction=None,
        epochs=1,
    )


def test_a_resumed_training_keeps_the_parts(config: TrainConfig, tmp_path: Path) -> None:
    said = spoken_training(config, tmp_path / "run")

    assert "split: as the annotation file says" in said
    split = RunFolder(tmp_path / "run").read_split()
    assert [(video.path.name, video.label, video.span) for video in split.validation] == [
        ("3.mp4", "right", Span(0.0, 1.6)),
        ("3.mp4", "down", Span(1.6, 3.2)),
    ]
    assert len(split.train) == 6
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    before = RunFolder(tmp_path / "run").split.read_bytes()

    Path(config.videos).rename(Path(config.videos).with_suffix(".moved"))
    try:
        longer = TrainConfig.load(tmp_path / "run" / "train_config.json")
        history = quiet_training(longer, tmp_path / "run", resume=True)
    finally:
        Path(config.videos).with_suffix(".moved").rename(config.videos)

    assert len(history) == 1
    assert RunFolder(tmp_path / "run").split.read_bytes() == before
    # Windows of .6 s every .3 s: four in each part of 1.6 s.
    assert summary["validation"]["num_clips"] == 8


def test_fractions_and_groups_come_before_the_files_split(
    config: TrainConfig, tmp_path: Path
) -> None:
    from dataclasses import replace

    from rtaction.train.learning.training_data import find_and_split

    def on_validation(**changes: object) -> set[str]:
        split = find_and_split(replace(config, **changes))  # type: ignore[arg-type]
        return {video.path.name for video in split.validation}

    assert on_validation() == {"3.mp4"}
    assert on_validation(group=r"(\d).mp4", validation_groups=("1",)) == {"1.mp4"}
    assert len(on_validation(validation_fraction=0.5)) == 2
