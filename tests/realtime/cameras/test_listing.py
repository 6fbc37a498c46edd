"""Files are found by name, in the order that a person expects."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from rtaction.errors import SourceUnreadable
from rtaction.realtime.cameras.listing import list_files, pictures_among, videos_among


def names_of(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


@pytest.mark.parametrize(
    ("names", "ordered"),
    [
        (["clip10", "clip2", "clip1"], ["clip1", "clip2", "clip10"]),
        (["b1", "A2", "a1"], ["a1", "A2", "b1"]),
        (["a", "1", "a1", "01", "10"], ["01", "1", "10", "a", "a1"]),
        (["2024-10-1", "2024-9-30"], ["2024-9-30", "2024-10-1"]),
        (["x", "é", "٣", "3"], ["3", "٣", "x", "é"]),
    ],
)
def test_files_come_in_natural_order(tmp_path: Path, names: list[str], ordered: list[str]) -> None:
    for name in names:
        (tmp_path / name).touch()

    assert names_of(list_files(str(tmp_path))) == ordered


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("%d.png", ["1.png", "00002.png", "00010.png", "123456.png"]),
        ("%05d.png", ["00002.png", "00010.png", "123456.png"]),
        ("a%d.png", []),
        ("[%d].png", ["[7].png"]),
        ("*0.png", ["00010.png"]),
        ("a\0b*", []),
    ],
)
def test_files_of_a_pattern(tmp_path: Path, pattern: str, found: list[str]) -> None:
    for name in ["00010.png", "00002.png", "1.png", "123456.png", "00003.png.bak", "[7].png"]:
        (tmp_path / name).touch()
    (tmp_path / "00009.png").mkdir()

    assert names_of(list_files(f"{tmp_path}/{pattern}")) == found


def test_a_folder_named_like_a_pattern(tmp_path: Path) -> None:
    folder = tmp_path / "shots [1] %d"
    folder.mkdir()
    (folder / "1.png").touch()

    assert names_of(list_files(str(folder))) == ["1.png"]
    assert names_of(list_files(f"{folder}/%d.png")) == ["1.png"]
    assert names_of(list_files(f"{folder}/*.png")) == ["1.png"]


def test_folders_that_cannot_be_read_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("open", "locked"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").touch()
    monkeypatch.setattr(os, "access", lambda place, _: not str(place).endswith("locked"))
    with pytest.raises(SourceUnreadable, match="locked cannot be read; check its permissions"):
        list_files(str(tmp_path / "locked"))
    with caplog.at_level(logging.WARNING):
        list_files(f"{tmp_path}/*/*.png")
    assert f"passed over, because it cannot be read: {tmp_path}/locked" in caplog.text


def test_kinds_of_files() -> None:
    paths = [Path("a.MP4"), Path("b.jpeg"), Path("c.txt"), Path("d.PNG"), Path("mp4")]

    assert videos_among(paths) == paths[:1]
    assert pictures_among(paths) == [paths[1], paths[3]]
