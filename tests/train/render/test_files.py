"""Rendered videos become folders that training reads, and sequences that evaluation reads."""

from __future__ import annotations

import importlib.machinery
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from rtaction.errors import OutputError, UsageError
from rtaction.evaluation.intervals import read_intervals
from rtaction.installation import program
from rtaction.labelled.videos import find_videos
from rtaction.train.render.files import RenderOptions, plan, render_clips, render_sequences
from rtaction.video.file import read_video
from tests.conftest import Here

SMALL = RenderOptions(seconds=0.5, frames_per_second=8.0, size_hw=(24, 32))


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))


def test_clips_lie_in_a_folder_for_each_label_and_other_with_nothing(tmp_path: Path) -> None:
    counts = {"wave": 2, "nothing": 1, "other": 1}
    seen: list[None] = []

    written = render_clips(tmp_path, counts, SMALL, on_file=lambda: seen.append(None))

    assert written == len(seen) == 4
    assert names(tmp_path) == [
        "nothing/nothing-0000003.avi",
        "nothing/other-0000004.avi",
        "wave/wave-0000006.avi",
        "wave/wave-0000013.avi",
    ]
    found = find_videos(str(tmp_path), min_labels=2)
    assert [video.label for video in found] == ["nothing", "nothing", "wave", "wave"]


def test_what_is_there_is_kept_and_what_is_missing_is_the_same_again(tmp_path: Path) -> None:
    render_clips(tmp_path, {"clap": 2}, SMALL)
    first, second = sorted((tmp_path / "clap").iterdir())
    before, time_ns = second.read_bytes(), first.stat().st_mtime_ns
    second.unlink()

    assert render_clips(tmp_path, {"clap": 2}, SMALL) == 1
    assert second.read_bytes() == before
    assert first.stat().st_mtime_ns == time_ns


def test_another_seed_has_other_people(tmp_path: Path) -> None:
    render_clips(tmp_path, {"wave": 1}, SMALL)
    render_clips(tmp_path, {"wave": 1}, replace(SMALL, seed=1))
    assert names(tmp_path) == ["wave/wave-0000006.avi", "wave/wave-1000006.avi"]


def test_sequences_come_with_their_intervals(tmp_path: Path) -> None:
    options = RenderOptions(seconds=4.0, frames_per_second=5.0, size_hw=(16, 24))
    assert render_sequences(tmp_path, 2, ["wave", "punch", "other"], options) == 2

    times = read_intervals(tmp_path / "intervals.csv", tmp_path)

    assert [one.path.name for one in times] == ["sequence-0000000.avi", "sequence-0000001.avi"]
    for seed, one in enumerate(times):
        parts = plan(seed, ["wave", "punch", "other"], 4.0)
        actions = [label for label, _ in parts if label in ("wave", "punch")]
        assert [interval.label for interval in one.intervals] == actions
        assert actions
        num_frames = sum(1 for _ in read_video(one.path))
        assert num_frames / 5 == pytest.approx(sum(s for _, s in parts), abs=0.3)


def test_a_plan_rests_between_actions_and_at_the_end() -> None:
    parts = plan(3, ["wave", "other"], 30.0)
    assert 30.0 < sum(seconds for _, seconds in parts) < 45.0
    assert [label for label, _ in parts[1::2]] == ["wave"] * (len(parts) // 2)
    assert {label for label, _ in parts[::2]} == {"nothing", "other"}
    assert parts[-1] == ("nothing", 2.0)
    assert {label for label, _ in plan(3, ["wave"], 30.0)[::2]} == {"nothing"}


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({}, "at least one label"),
        ({"dance": 1}, "cannot render 'dance'; expected one of arms_raise, arms_side, clap"),
        ({"wave": 0}, "clips must be 1 or more"),
    ],
)
def test_what_cannot_be_meant_is_said(counts: dict[str, int], message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        render_clips(tmp_path, counts, SMALL)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": 1000}, "seed must be from 0 to 999, got 1000"),
        ({"seconds": 0.1}, "seconds must be from"),
        ({"frames_per_second": 0.0}, "frames per second"),
        ({"size_hw": (8, 64)}, "got 64x8"),
    ],
)
def test_options_out_of_range_are_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        RenderOptions(**options)  # type: ignore[arg-type]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot create the folder"):
        render_clips(tmp_path / "file", {"wave": 1}, SMALL)


def test_the_command(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "rtaction", "render", "-o", str(tmp_path / "v")]
    small = ["--seconds", "0.5", "--frames-per-second", "6", "--height", "16", "--width", "16"]
    runs = [
        subprocess.run(
            [*command, "--clips", count, "--labels", "wave, clap", *small],
            capture_output=True,
            text=True,
            check=True,
        )
        for count in ("1", "2")
    ]
    assert f"{tmp_path / 'v'}: 2 videos rendered\n" in runs[0].stderr
    assert f"{tmp_path / 'v'}: 2 videos rendered, 2 already existed\n" in runs[1].stderr
    assert runs[0].stdout == f"{program()} train {tmp_path / 'v'} -o run/ --background nothing\n"
    assert len(names(tmp_path / "v")) == 4


@pytest.mark.parametrize(
    ("is_light", "hint"),
    [
        (False, "train {place} -o run/ --background nothing"),
        (True, "teach --from {place} -o taught/"),
    ],
)
def test_the_hint_is_what_the_installation_can_do(
    tmp_path: Path, here: Here, monkeypatch: pytest.MonkeyPatch, is_light: bool, hint: str
) -> None:
    there = importlib.machinery.ModuleSpec("keras", None)
    monkeypatch.setattr("rtaction.cli.render.find_spec", lambda _: None if is_light else there)
    place = tmp_path / "v"
    small = [
        "--clips",
        "1",
        "--labels",
        "wave",
        "--seconds",
        "0.5",
        "--height",
        "16",
        "--width",
        "16",
    ]
    code, stdout, _ = here("render", "-o", str(place), *small)
    assert code == 0
    assert stdout == f"{program()} {hint.format(place=place)}\n"
