"""Labelled corrections are found, waiting ones are passed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtaction.errors import DatasetError, UsageError
from rtaction.labelled.corrections import corrections_text, find_corrections
from rtaction.labelled.videos import Video, find_videos, labels_of


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


def test_as_a_folder_of_videos(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    touched(tmp_path, "unlabelled/a.mkv", "wave/b.mkv", "clap/c.mp4")
    assert labels_of(find_videos(tmp_path)) == ("clap", "wave")
    (message,) = caplog.messages
    assert message.startswith(f"{tmp_path}: passed over, because they have no label yet: 1 clips")
    assert message.endswith(f"label {tmp_path}`")
