"""Corrections are trained on, never judged on, and kept by a resumed run."""

from __future__ import annotations

import json
import shutil
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from rtaction.errors import UsageError
from rtaction.train.learning.fit import train
from rtaction.train.learning.many import cross_validation
from rtaction.train.learning.many.cross_validation import cross_validate
from rtaction.train.learning.training_data import find_and_split
from rtaction.train.settings.run_folder import RunFolder
from tests.train.small_training import small_config, undrawn, untraced, write_squares


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_squares(tmp_path_factory.mktemp("squares") / "videos")


@pytest.fixture
def corrections(videos: Path, tmp_path: Path) -> Path:
    """Two of a known label, one of a new one, and one that waits."""
    folder = tmp_path / "corrections"
    for number, label in enumerate(("right", "right", "up", "unlabelled")):
        (folder / label).mkdir(parents=True, exist_ok=True)
        shutil.copy(videos / "down" / f"{number}.mp4", folder / label / f"clip-{number}.mp4")
    return folder


def labels_on(side: list[list[str]], folder: Path) -> list[str]:
    return sorted(label for path, label, _ in side if Path(path).is_relative_to(folder))


def test_they_join_only_the_side_of_training(videos: Path, corrections: Path) -> None:
    said = StringIO()
    without = find_and_split(small_config(videos, test_fraction=0.2))
    config = small_config(videos, test_fraction=0.2, corrections=str(corrections))
    found = find_and_split(config, Console(file=said, width=200))
    assert (found.validation, found.test) == (without.validation, without.test)
    assert found.train[: len(without.train)] == without.train
    added = found.train[len(without.train) :]
    assert [video.label for video in added] == ["right", "right", "up"]
    assert said.getvalue() == "corrections: right 2, up 1; new labels: up\n"


def test_a_resumed_run_keeps_them(videos: Path, corrections: Path, tmp_path: Path) -> None:
    config = small_config(videos, epochs=1, corrections=str(corrections))
    run, console = tmp_path / "run", Console(file=StringIO())
    with untraced(config), undrawn():
        train(config, run, console=console)
        shutil.rmtree(corrections / "unlabelled")
        (corrections / "later").mkdir()
        shutil.copy(videos / "down" / "5.mp4", corrections / "later" / "clip.mp4")
        with pytest.raises(UsageError, match="corrections"):
            train(small_config(videos, epochs=2), run, resume=True, console=console)
        longer = small_config(videos, epochs=2, corrections=str(corrections))
        assert train(longer, run, resume=True, console=console).num_epochs == 2
    sides = json.loads(RunFolder(run).split.read_text())
    assert labels_on(sides["train"], corrections) == ["right", "right", "up"]
    assert labels_on(sides["validation"] + sides["test"], corrections) == []


def test_each_fold_is_trained_on_them(
    videos: Path, corrections: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Cut(Exception):
        pass

    splits = []

    def cut(config: Any, output: Path, *, split: Any, **options: Any) -> Any:
        splits.append(split)
        raise Cut

    monkeypatch.setattr(cross_validation, "train", cut)
    config = small_config(videos, corrections=str(corrections))
    console = Console(file=StringIO())
    for resume in (False, True):
        with pytest.raises(Cut):
            cross_validate(config, tmp_path / "cv", folds=2, console=console, resume=resume)
        shutil.rmtree(corrections / "up", ignore_errors=True)  # what began goes on with it
    assert splits[0] == splits[1]
    added = [video.label for video in splits[0].train if video.path.is_relative_to(corrections)]
    assert added == ["right", "right", "up"]
    judged = splits[0].validation + splits[0].test
    assert not [video for video in judged if video.path.is_relative_to(corrections)]


def test_a_folder_that_is_none(videos: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--corrections"):
        find_and_split(small_config(videos, corrections=str(tmp_path / "none")))
