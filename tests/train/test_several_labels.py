"""From an annotation file with several labels for one part of a video to events at once."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import rtaction
from rtaction.errors import DatasetError, UsageError
from rtaction.labelled.videos import find_videos
from rtaction.model_spec import ModelSpec
from rtaction.train.settings.config import TrainConfig
from rtaction.train.settings.run_folder import RunFolder
from rtaction.train.settings.several_labels import require_separable
from tests.train.small_training import quiet_training, small_config, spoken_training
from tests.videos import write_video

Here = Callable[..., tuple[int, str, str]]
RATE = 10
SHOWN: tuple[tuple[str, ...], ...] = (("left",), ("right",), ("left", "right"), ())


def _images(shown: Sequence[tuple[str, ...]], take: int) -> list[npt.NDArray[np.uint8]]:
    """A square on either half of a picture, which moves up and down where its label is shown."""
    images = []
    for number, labels in enumerate(shown):
        image = np.full((48, 64, 3), 20 + 4 * take, np.uint8)
        for label, first in (("left", 6), ("right", 40)):
            top = 6 + (number * 8) % 32 if label in labels else 20
            image[top : top + 10, first + take : first + take + 10] = 220
        images.append(image)
    return images


def _write(path: Path, shown: Sequence[tuple[str, ...]], take: int = 0) -> Path:
    return write_video(path, _images(shown, take), np.arange(len(shown)) / RATE)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> TrainConfig:
    """Videos of four parts of 1.6 s: one label, the other, both, none."""
    folder = tmp_path_factory.mktemp("several")
    lines = ["video,label,start,end"]
    for take in range(6):
        _write(folder / f"{take}.mp4", [labels for labels in SHOWN for _ in range(16)], take)
        for part, labels in enumerate(SHOWN):
            times = f"{part * 1.6:g},{part * 1.6 + 1.6:g}"
            lines += [f"{take}.mp4,{label},{times}" for label in labels or ("",)]
    (folder / "labels.csv").write_text("\n".join(lines), encoding="utf-8")
    return small_config(
        folder / "labels.csv",
        multi_label=True,
        modality="abs_diff",
        frames_per_clip=3,
        epochs=14,
        learning_rate=5e-3,
        dropout=0.0,
        augment="none",
        validation_fraction=0.34,
    )


@pytest.fixture(scope="module")
def said(config: TrainConfig, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What a training said, and its folder."""
    run = tmp_path_factory.mktemp("run") / "run"
    return spoken_training(config, run), run


def test_each_label_has_a_score_of_its_own(said: tuple[str, Path]) -> None:
    text, run = said
    spec = ModelSpec.load(run / "model_spec.json")
    assert spec.multi_label
    assert spec.labels == ("left", "right")
    assert "all labels right at 0.5, on " in text
    assert "AP" in text
    assert "uneven labels" not in text
    assert "temperature of" in text
    summary = json.loads((run / "summary.json").read_text())["validation"]
    by_label = summary["clips"]["labels"]
    assert [one["label"] for one in by_label] == ["left", "right"]
    assert min(one["average_precision"] for one in by_label) > 0.9
    assert summary["videos"]["exact_match"]["value"] > 0.7
    assert summary["clips"]["count"] == 2 * summary["clips"]["labels"][0]["count"]
    assert not (run / "confusion.png").exists()
    videos = [video.labels for video in RunFolder(run).read_split().validation]
    assert videos == [*SHOWN, *SHOWN]


def test_the_report_and_a_resumed_training(config: TrainConfig, tmp_path: Path) -> None:
    short = replace(config, epochs=1)
    quiet_training(short, tmp_path / "run", is_drawn=True)
    text = (tmp_path / "run" / "report.html").read_text()
    assert "average precision" in text
    assert "all labels right by video" in text
    assert "was predicted as" not in text
    longer = replace(short, epochs=2)
    assert len(quiet_training(longer, tmp_path / "run", resume=True)) == 2
    split = RunFolder(tmp_path / "run").read_split()
    assert [video.labels for video in split.train[:4]] == list(SHOWN)


def test_two_labels_at_once_live(said: tuple[str, Path], tmp_path: Path, here: Here) -> None:
    model = tmp_path / "model.onnx"
    code, _, told = here("export", said[1], "-o", model)
    assert code == 0, told
    quiet, both = [()] * 20, [("left", "right")] * 30
    video = _write(tmp_path / "live.mp4", [*quiet, *both, *[("right",)] * 20, *quiet])

    code, _, told = here("verify", model, video, "--against", said[1])
    assert code == 0, told
    events: list[rtaction.ActionEvent] = []
    predictions = list(
        rtaction.watch(video, model, device="cpu", stride_seconds=0.1, on_event=events.append)
    )

    at_once = [one for one in predictions if min(one.scores) > 0.5]
    assert at_once
    ended = {one.label: one for one in events if one.end_seconds is not None}
    assert sorted(ended) == ["left", "right"]
    left, right = ended["left"], ended["right"]
    assert left.start_seconds == pytest.approx(2.0, abs=0.6)
    assert right.start_seconds == pytest.approx(2.0, abs=0.6)
    assert left.end_seconds == pytest.approx(5.0, abs=0.8)
    assert right.end_seconds == pytest.approx(7.0, abs=0.8)
    assert sorted(one.number for one in ended.values()) == [1, 2]

    log = tmp_path / "log.jsonl"
    code, _, told = here(
        *("cam", video, "--model", model, "--headless", "--device", "cpu", "--output", log),
        *("--save", tmp_path / "drawn.avi", "--stride-seconds", "0.1"),
    )
    assert code == 0, told
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert len([one for one in lines if one["type"] == "event"]) == 4
    code, _, told = here("predict", model, video, "-o", tmp_path / "found.csv", "--device", "cpu")
    assert code == 0, told
    with (tmp_path / "found.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert "left" in str(row)
    assert "right" in str(row)


def test_clips_are_judged_by_all_their_labels(
    said: tuple[str, Path], config: TrainConfig, tmp_path: Path, here: Here
) -> None:
    report = tmp_path / "report.json"
    code, out, told = here("eval", said[1], config.videos, "--device", "cpu", "-o", report)
    assert code == 0, told
    assert "each scored by itself" in out
    figures = json.loads(report.read_text())
    assert figures["kind"] == "several_labels"
    assert figures["num_videos"] == 24
    assert figures["clips"]["mean_average_precision"] > 0.9
    assert figures["clips"]["labels"][0]["count"] == 12
    assert set(figures["videos"][0]["scores"]) == {"left", "right"}


def test_without_the_option_two_labels_are_a_mistake(config: TrainConfig) -> None:
    path = Path(config.videos)
    both = path.with_name("both.csv")
    both.write_text("\n".join(line for line in path.read_text().splitlines() if ",," not in line))
    with pytest.raises(DatasetError, match=r"label 'left'.*got 'right'.*train --multi-label"):
        find_videos(both)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"background_label": "left"}, "--background and --multi-label .*leave the label empty"),
        ({"solver": "ridge"}, "--solver ridge and --multi-label cannot be combined"),
        ({"balance": "sampling"}, "--balance sampling and --multi-label"),
        ({"chosen_but": ()}, "--auto and --multi-label"),
        ({"network": "dtpp"}, "--network dtpp and --multi-label .*shares of one label"),
    ],
)
def test_what_makes_no_sense_is_refused(
    config: TrainConfig, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        require_separable(replace(config, **changes))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="--folds and --multi-label"):
        require_separable(config, folds=True)
