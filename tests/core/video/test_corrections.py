"""Labelled corrections are found, waiting ones are passed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtaction.errors import DatasetError, UsageError
from rtaction.video.corrections import corrections_text, find_corrections
from rtaction.video.labelled_videos import Video


def touched(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_only_labelled_videos(tmp_path: Path) -> None:
    touched(
        tmp_path,
        *("unlabelled/a.mkv", "wave/b.mkv", "wave/b.json", "clap/c.mp4", "d.mkv"),
        *(".deleted/e.mkv", "wave/.f.mkv"),
    )
    found = find_corrections(tmp_path)
    assert [(one.path.name, one.label) for one in found] == [("c.mp4", "clap"), ("b.mkv", "wave")]
    assert len({one.group for one in found}) == 2
    assert [one.label for one in find_corrections(tmp_path, labels=["wave"])] == ["wave"]


def test_nothing_to_take_in(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected the folder of"):
        find_corrections(tmp_path / "none")
    touched(tmp_path, "unlabelled/a.mkv")
    with pytest.raises(DatasetError, match=r"has a label yet \(1 clips in all\).* label "):
        find_corrections(tmp_path)


def test_new_labels_are_told() -> None:
    def video(label: str) -> Video:
        return Video(Path(label), label, label)

    corrections = [video("wave"), video("jump"), video("wave")]
    assert (
        corrections_text(corrections, [video("wave")])
        == "corrections: jump 1, wave 2; new labels: jump"
    )
    assert corrections_text(corrections[:1], [video("wave")]) == "corrections: wave 1"
