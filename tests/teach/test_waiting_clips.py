"""Where clips are while they are labelled; nothing is lost, whenever a process is killed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rtaction.errors import UsageError
from rtaction.teach.waiting_clips import Told, WaitingClips, told_of
from tests.core.video.test_corrections import touched

RECORD = {
    "source": "cam",
    "person": 2,
    "box": [0.1, 0.2, 0.3, 0.4],
    "why": "unsure",
    "top": [{"label": "wave", "score": 0.5}, {"label": "clap", "score": 0.4}],
}


def names(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    touched(tmp_path, "unlabelled/a.mkv", "unlabelled/b.mkv", "unlabelled/.half.mkv")
    (tmp_path / "unlabelled" / "a.json").write_text(json.dumps(RECORD))
    return tmp_path


def test_a_label_and_back(folder: Path) -> None:
    clips = WaitingClips(folder)
    assert [path.name for path in clips.waiting] == ["a.mkv", "b.mkv"]
    labelled = clips.label(clips.waiting[0], "wave")
    assert labelled == folder / "wave" / "a.mkv"
    assert "wave/a.json" in names(folder)
    assert clips.labels == ["wave"]
    assert clips.put_back(labelled) == folder / "unlabelled" / "a.mkv"
    assert clips.labels == []
    assert "unlabelled/a.json" in names(folder)


def test_deleted_clips_come_back_until_they_are_forgotten(folder: Path) -> None:
    clips = WaitingClips(folder)
    clips.put_back(clips.delete(clips.waiting[0]))
    assert len(clips.waiting) == 2
    clips.delete(clips.waiting[0])
    clips.forget_deleted()
    assert names(folder) == ["unlabelled/.half.mkv", "unlabelled/b.mkv"]


def test_a_name_that_is_taken_is_kept(folder: Path) -> None:
    touched(folder, "wave/a.mkv")
    (folder / "wave" / "a.mkv").write_bytes(b"other")
    clips = WaitingClips(folder)
    assert clips.label(clips.waiting[0], "wave").name == "a_2.mkv"
    assert (folder / "wave" / "a.mkv").read_bytes() == b"other"
    assert (folder / "wave" / "a_2.json").exists()


def test_killed_between_the_two_renames(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clips = WaitingClips(folder)

    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", die)
        with pytest.raises(Killed):
            clips.label(clips.waiting[0], "wave")
    assert "wave/a.mkv" in names(folder)
    assert "unlabelled/a.json" in names(folder)
    assert [path.name for path in WaitingClips(folder).waiting] == ["b.mkv"]
    assert "wave/a.json" in names(folder)


@pytest.mark.parametrize("label", ["", "a/b", ".hidden", "unlabelled"])
def test_a_label_that_cannot_be_a_folder(folder: Path, label: str) -> None:
    clips = WaitingClips(folder)
    with pytest.raises(UsageError):
        clips.label(clips.waiting[0], label)
    assert len(clips.waiting) == 2


def test_what_is_told_of_a_clip(folder: Path) -> None:
    clip, other = WaitingClips(folder).waiting
    guesses = (("wave", 0.5), ("clap", 0.4))
    assert told_of(clip) == Told("unsure", "cam", 2, (0.1, 0.2, 0.3, 0.4), guesses)
    assert told_of(other) == Told("")
    for damaged in ("{", "[]", '{"why": 1}', json.dumps(RECORD | {"box": [1]})):
        clip.with_suffix(".json").write_text(damaged)
        assert told_of(clip) == Told("")


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--save-uncertain"):
        WaitingClips(tmp_path / "none")
