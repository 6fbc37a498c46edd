from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from rich.console import Console

from rtaction.installation import program
from rtaction.labelled.videos import Video
from rtaction.opencv import cv2
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.learning.fit import train
from rtaction.train.report.judged_clips import JudgedClips
from rtaction.train.report.write import Training, write_report
from rtaction.train.settings.config import TrainConfig
from rtaction.train.settings.hardware import Hardware
from tests.train.html_pages import Page
from tests.train.small_training import small_config, write_squares

NASTY = '<b>&"'
LABELS = ("clap", NASTY)
CONFIG = TrainConfig(videos="videos", frames_per_clip=3, height=8, width=12, epochs=3, group="(.)_")
HISTORY = [
    {
        "epoch": epoch,
        "loss": 1.0,
        "accuracy": 0.5,
        "val_loss": loss,
        "val_accuracy": 0.6,
        "learning_rate": rate,
    }
    for epoch, loss, rate in ((1.0, 0.9, 1e-3), (2.0, 0.7, 1e-3), (3.0, 0.8, 2.5e-4))
]
SCORES = [[0.9, 0.1], [0.3, 0.7], [0.1, 0.9], [0.6, 0.4], [0.95, 0.05], [0.2, 0.8]]


def clip_set(*, num_groups: int = 3, modality: str = "rgb", num_skipped: int = 0) -> ClipSet:
    """Two clips of each of three videos; clip i shows pictures as gray as 10 * (i + 1)."""
    frames_per_window = 3 if modality == "rgb" else 4
    values = np.repeat(10 * np.arange(1, 7), frames_per_window).astype(np.uint8)
    frames = np.broadcast_to(values[:, None, None, None], (len(values), 8, 12, 3))
    return ClipSet(
        frames=frames,
        clip_frames=np.arange(len(values)).reshape(6, frames_per_window),
        clip_times_seconds=np.arange(len(values)).reshape(6, frames_per_window) / 2,
        clip_labels=np.array([0, 0, 1, 1, 1, 1]),
        clip_videos=np.array([0, 0, 1, 1, 2, 2]),
        labels=LABELS,
        videos=tuple(
            Video(Path(f"in/{name}.mp4"), label, f"g{number % num_groups}")
            for number, (name, label) in enumerate(
                zip("xyz", (LABELS[0], NASTY, NASTY), strict=True)
            )
        ),
        modality=modality,
        num_skipped=num_skipped,
    )


def report(tmp_path: Path, *, scores: Any = SCORES, **changes: Any) -> Page:
    clips = changes.pop("clips", clip_set())
    config = changes.pop("config", CONFIG)
    values = {
        "config": config,
        "spec": replace(config, modality=clips.modality).spec(LABELS),
        "model": tmp_path / "my run" / "model.keras",
        "history": HISTORY,
        "training": clip_set(),
        "judged": {"validation": JudgedClips(clips, np.array(scores, np.float32))},
        "num_weights": 12345,
        "hardware": Hardware(("/device:CPU:0",), "CPU", "float32"),
        "seconds": 65.4,
    }
    write_report(Training(**values | changes), tmp_path / "report.html")
    return Page.read(tmp_path / "report.html")


def everything(page: Page) -> str:
    return page.text_of("body")[0]


def gray_of(image: dict[str, str]) -> float:
    data = np.frombuffer(b64decode(image["src"].partition(",")[2]), np.uint8)
    picture: npt.NDArray[Any] | None = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert picture is not None
    return float(picture.mean())


def test_the_headline_has_figures_counts_and_intervals(tmp_path: Path) -> None:
    page = report(tmp_path)
    clips = JudgedClips(clip_set(), np.array(SCORES, np.float32)).by_clip.accuracy
    of_clips, of_videos = page.text_of("div", "tile")
    low, high = 100 * clips.low, 100 * clips.high
    assert 0 < low < 50 < high < 100
    assert (
        of_clips
        == f"validation, accuracy by clip50.0 %95 % interval {low:.1f} to {high:.1f} %on 6 clips"
    )
    # Of x the mean is right by 1.2 to 0.8, of y by 1.3 to 0.7, of z it is not: Wilson's of 2 of 3.
    assert of_videos == (
        "validation, accuracy by video66.7 %95 % interval 20.8 to 93.9 %on 3 videos"
    )
    assert "12,345 weights" in everything(page)
    assert f"Always predicting “{NASTY}” has an accuracy of 66.7 %" in everything(page)


def test_what_a_person_wrote_is_escaped(tmp_path: Path) -> None:
    page = report(tmp_path, config=replace(CONFIG, videos=NASTY))
    assert "b" not in page.tags
    assert "<b>" not in (tmp_path / "report.html").read_text()
    assert NASTY in page.text_of("code")
    assert NASTY in page.text_of("th")


def test_it_needs_nothing_but_itself(tmp_path: Path) -> None:
    page = report(tmp_path)
    assert page.tags.isdisjoint({"script", "link", "iframe", "object", "a"})
    for _, attributes, _ in page.elements:
        for name in ("src", "srcset", "href", "data"):
            assert attributes.get(name, "data:").startswith("data:")
    text = (tmp_path / "report.html").read_text()
    assert not re.search(r"url\(|@import|https?:", text)
    assert text.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("num_groups", "group", "told", "untold"),
    [
        (3, "(.)_", ["comes from 3 groups only", "--test-fraction"], ["No groups were given"]),
        (1, "(.)_", ["comes from 1 group only"], []),
        (3, None, ["No groups were given", "comes from 3 videos only"], ["3 groups only"]),
    ],
)
def test_what_weakens_the_figures_is_told(
    tmp_path: Path, num_groups: int, group: str | None, told: list[str], untold: list[str]
) -> None:
    clips = clip_set(num_groups=num_groups)
    if group is None:
        alone = [replace(video, group=video.path.as_posix()) for video in clips.videos]
        clips = replace(clips, videos=tuple(alone))
    page = report(tmp_path, clips=clips, config=replace(CONFIG, group=group))
    warnings = " ".join(page.text_of("div", "warning"))
    assert all(text in warnings for text in told)
    assert not any(text in warnings for text in untold)
    assert "does not show that anything was learned" in warnings


def test_a_test_set_is_told_as_well(tmp_path: Path) -> None:
    right = np.eye(2, dtype=np.float32)[[0, 0, 1, 1, 1, 1]]
    judged = {
        "validation": JudgedClips(clip_set(), np.array(SCORES, np.float32)),
        "test": JudgedClips(clip_set(num_skipped=1), right),
    }
    page = report(tmp_path, judged=judged)
    tiles = page.text_of("div", "tile")
    assert len(tiles) == 4
    assert tiles[2].startswith("test, accuracy by clip100.0 %")
    assert "1 more video could not be used" in everything(page)
    assert "--test-fraction" not in " ".join(page.text_of("div", "warning"))
    assert "Labels, on test" in page.text_of("h2")


def test_labels_and_confusion(tmp_path: Path) -> None:
    page = report(tmp_path)
    labels, confusion = page.text_of("table", "labels")[0], page.text_of("table", "confusion")[0]
    # Half of each is missed: 1 of 2 and 2 of 4, and the order of the labels stays.
    assert labels.index("clap") < labels.index(NASTY)
    assert "50.0 %" in labels
    assert confusion.endswith(f"clap11{NASTY}22")
    assert page.text_of("li") == [
        f"“{NASTY}” was predicted as “clap” in 2 of 4 clips.",
        f"“clap” was predicted as “{NASTY}” in 1 of 2 clips.",
    ]


def test_calibration_before_and_after_is_told(tmp_path: Path) -> None:
    page = report(tmp_path)
    assert "Scores as probabilities" in page.text_of("h2")
    assert page.text_of("table", "calibration")[0].startswith(
        "seterror beforeerror aftervalidation"
    )


def test_the_worst_mistakes_come_first_with_their_pictures(tmp_path: Path) -> None:
    page = report(tmp_path)
    texts = page.text_of("figure", "mistake")
    assert [re.search(r"[xyz]\.mp4", text)[0] for text in texts] == ["z.mp4", "x.mp4", "y.mp4"]  # type: ignore[index]
    assert texts[0].startswith(
        f"“{NASTY}” was predicted as “clap”score 0.95 for “clap”, 0.05 for “{NASTY}”; "
        "z.mp4, 6.00 to 7.00 s"
    )
    pictures = [one for one in page.attributes_of("img") if "camera" in one["alt"]]
    assert [one["alt"] for one in pictures[:2]] == [
        "z.mp4 at 6.00 s, camera",
        "z.mp4 at 6.50 s, camera",
    ]
    # Clips 4, 1 and 3 of three pictures each.
    assert [gray_of(one) for one in pictures] == pytest.approx(
        3 * [50.0] + 3 * [20.0] + 3 * [40.0], abs=1
    )


def test_motion_stands_below_each_picture(tmp_path: Path) -> None:
    page = report(tmp_path, clips=clip_set(modality="gray+diff+flow"))
    texts = [one["alt"] for one in page.attributes_of("img") if one["alt"].startswith("z.mp4")]
    # The first of four frames is the one before the clip.
    assert texts == [
        f"z.mp4 at {seconds:.2f} s, {part}"
        for seconds in (8.5, 9.0, 9.5)
        for part in ("camera", "diff", "flow")
    ]
    still = [one for one in page.attributes_of("img") if one["alt"].endswith("diff")]
    assert [gray_of(one) for one in still] == pytest.approx([127.0] * 9, abs=1)


def test_without_mistakes_that_is_told(tmp_path: Path) -> None:
    page = report(tmp_path, scores=np.eye(2)[[0, 0, 1, 1, 1, 1]])
    assert "All 6 clips were predicted correctly." in everything(page)
    assert "No two labels were confused." in everything(page)
    assert page.text_of("figure", "mistake") == []


@pytest.mark.parametrize(
    ("before", "seconds", "told"),
    [
        (0, 65.4, "1 min 5 s for epochs 1 to 3"),
        (2, 3600.0, "1 h for epoch 3"),
        (0, 0.2, "less than 1 s for epochs 1 to 3"),
        (3, None, "no epoch was left to train"),
        (3, 0.1, "no epoch was left to train"),
    ],
)
def test_how_long_it_took(tmp_path: Path, before: int, seconds: float | None, told: str) -> None:
    page = report(tmp_path, num_epochs_before=before, seconds=seconds)
    assert told in everything(page)


def test_epochs_are_told_in_words(tmp_path: Path) -> None:
    text = everything(report(tmp_path))
    assert "epoch 2 of 3 was kept: its validation loss, 0.700, is the lowest" in text
    assert "lowered from epoch 3 on" in text
    assert "--resume" not in text
    still_better = [*HISTORY[:2], {**HISTORY[2], "val_loss": 0.6}]
    text = everything(report(tmp_path, history=still_better))
    assert "--resume with a larger --epochs" in text


def test_contract_settings_origin_and_what_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["/usr/bin/rtaction", "train", "my videos"])
    page = report(tmp_path)
    assert {"labels", "clip_seconds", "learning_rate", "group", "tensorflow", "processor"} <= set(
        page.text_of("th")
    )
    assert "the processor, no GPU in use" in page.text_of("td")
    command, what_next = page.text_of("pre")
    assert command == "rtaction train 'my videos'"
    assert f"Run in the folder {Path.cwd()}:" in page.text_of("p")
    resumed = report(tmp_path, num_epochs_before=2)
    assert f"Run in the folder {Path.cwd()}, to continue a training after epoch 2:" in everything(
        resumed
    )
    line = f"{program()} export '{tmp_path}/my run/model.keras' -o model.onnx\n"
    assert what_next.startswith(line)


def test_trained_from_python_it_gives_the_call(tmp_path: Path) -> None:
    page = report(tmp_path)
    call = page.text_of("pre")[0]
    config = call[len("train(") : call.rindex(", Path(")]
    assert eval(config, {"TrainConfig": TrainConfig}) == CONFIG


def test_gpus_are_counted(tmp_path: Path) -> None:
    devices = ("/device:GPU:0", "/device:GPU:1")
    page = report(tmp_path, hardware=Hardware(devices, "NVIDIA A100", "mixed_float16"))
    assert "2 x NVIDIA A100" in page.text_of("td")


@pytest.mark.slow
def test_a_training_writes_it(tmp_path: Path) -> None:
    videos = write_squares(tmp_path / "videos")
    output = StringIO()
    console = Console(file=output, width=60)
    found = train(small_config(videos, epochs=2), tmp_path / "run", console=console)
    path = tmp_path / "run" / "report.html"
    assert f"report: {path}\n" in output.getvalue()
    page = Page.read(path)
    tile = page.text_of("div", "tile")[0]
    clips = found.validation.by_clip
    assert f"{100 * clips.accuracy.value:.1f} %" in tile
    assert f"on {len(clips)} clips" in tile
    assert re.search(r"for epochs 1 to 2", everything(page))
    num_wrong = round((1 - clips.accuracy.value) * len(clips))
    assert bool(page.text_of("figure", "mistake")) == (num_wrong > 0)
