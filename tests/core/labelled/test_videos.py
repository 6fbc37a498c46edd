from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from rtaction.errors import DatasetError, UsageError
from rtaction.labelled.videos import Video, find_videos, labels_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("wave/s1_a.mp4", "wave/s2_a.AVI", "clap/s1_b.mp4", "clap/notes.txt", "top.mp4"):
        path = tmp_path / "videos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "videos"


def _names(videos: list[Video]) -> list[tuple[str, str]]:
    return [(video.label, video.path.name) for video in videos]


def test_a_folder_of_folders(folder: Path) -> None:
    expected = [("clap", "s1_b.mp4"), ("wave", "s1_a.mp4"), ("wave", "s2_a.AVI")]
    assert _names(find_videos(folder)) == expected
    assert _names(find_videos(f"{folder}/")) == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("{classname}/*.mp4", [("clap", "s1_b.mp4"), ("wave", "s1_a.mp4")]),
        ("{classname}/s1_?.mp4", [("clap", "s1_b.mp4"), ("wave", "s1_a.mp4")]),
        ("**/{classname}/*.mp4", [("clap", "s1_b.mp4"), ("wave", "s1_a.mp4")]),
        ("wave/{classname}_a.*", [("s1", "s1_a.mp4"), ("s2", "s2_a.AVI")]),
        ("{classname}/[!n]*", [("clap", "s1_b.mp4"), ("wave", "s1_a.mp4"), ("wave", "s2_a.AVI")]),
        ("{classname}/[]s]1_[^ab]*", [("clap", "s1_b.mp4"), ("wave", "s1_a.mp4")]),
        ("{classname}/[z-as]1_*", [("clap", "s1_b.mp4"), ("wave", "s1_a.mp4")]),
    ],
)
def test_patterns(folder: Path, pattern: str, expected: list[tuple[str, str]]) -> None:
    assert _names(find_videos(f"{folder}/{pattern}")) == expected


def test_a_label_ends_where_the_rest_of_the_pattern_begins(tmp_path: Path) -> None:
    for name in ("wave_01_a.mp4", "wave_02_a.mp4", "clap_01_b.mp4"):
        (tmp_path / name).touch()
    assert labels_of(find_videos(f"{tmp_path}/{{classname}}_*.mp4")) == ("clap", "wave")


def test_two_stars_reach_all_folders_below(tmp_path: Path) -> None:
    for name in ("a/x/1.mp4", "a/2.mp4", "b/y/z/3.mp4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    videos = find_videos(f"{tmp_path}/{{classname}}/**")
    assert [(v.label, v.path.name) for v in videos] == [
        ("a", "2.mp4"),
        ("a", "1.mp4"),
        ("b", "3.mp4"),
    ]


def test_folder_names_may_hold_glob_characters(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "set [1]" / name).mkdir(parents=True)
        (tmp_path / "set [1]" / name / "x.mp4").touch()
    assert labels_of(find_videos(tmp_path / "set [1]")) == ("a", "b")
    assert labels_of(find_videos(f"{tmp_path}/set [1]/{{classname}}/*.mp4")) == ("a", "b")


def test_labels_may_hold_glob_characters_and_new_lines(tmp_path: Path) -> None:
    for name in ("jab[left]", "jab(right)+", "two\nlines"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.mp4").touch()
    expected = ("jab(right)+", "jab[left]", "two\nlines")
    assert labels_of(find_videos(tmp_path)) == expected
    assert labels_of(find_videos(f"{tmp_path}/{{classname}}/**")) == expected


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Folders of people, each with the same folders of actions."""
    for name in ("ann/wave/1.mp4", "ann/clap/deep/2.mp4", "bob/wave/3.mp4", "bob/clap/4.mp4"):
        path = tmp_path / "people [2]" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "people [2]" / "ann" / "wave" / "notes.txt").touch()
    return tmp_path / "people [2]"


@pytest.mark.parametrize("inner", ["{classname}/**/*.mp4", "{classname}/**/?.mp4"])
def test_labels_within_groups(people: Path, inner: str) -> None:
    expected = [("clap", "2.mp4"), ("wave", "1.mp4"), ("clap", "4.mp4"), ("wave", "3.mp4")]
    assert _names(find_videos(f"{people}/*/{inner}")) == expected
    for pattern in ("**/{classname}/[134].mp4", "**/{classname}/**/[134].mp4"):
        assert _names(find_videos(f"{people}/{pattern}")) == [expected[1], *expected[2:]]
    by_person = find_videos(f"{people}/{{group}}/{inner}")
    assert _names(by_person) == expected
    assert [video.group for video in by_person] == ["ann", "ann", "bob", "bob"]
    with pytest.raises(UsageError, match=r"says with \{group\} what the groups are, and --group"):
        find_videos(f"{people}/{{group}}/{inner}", group="x")


def test_labels_that_seem_to_lie_within_groups_are_told(
    people: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert labels_of(find_videos(people)) == ("ann", "bob")
    _, hint = [record.getMessage() for record in caplog.records]
    assert (
        "labels are its folders (ann, bob), each of which has the same folders (clap, wave)" in hint
    )
    (pattern,) = re.findall(r"give '(.*)' instead", hint)
    assert labels_of(find_videos(pattern)) == ("clap", "wave")
    (people / "bob" / "clap").rename(people / "bob" / "jump")
    caplog.clear()
    find_videos(people)
    assert "instead" not in caplog.text


def test_labels_can_be_chosen(folder: Path) -> None:
    (folder / "punch").mkdir()
    (folder / "punch" / "x.mp4").touch()
    assert labels_of(find_videos(folder, labels=["wave", "punch"])) == ("punch", "wave")


def test_one_label_is_enough_where_nothing_is_trained(folder: Path) -> None:
    found = find_videos(f"{folder}/{{classname}}/s2*", min_labels=1)
    assert _names(found) == [("wave", "s2_a.AVI")]


def test_groups(folder: Path) -> None:
    assert [video.group for video in find_videos(folder, group=r"(s\d)_")] == ["s1", "s1", "s2"]
    assert [video.group for video in find_videos(folder, group=r"s\d(?=_)")] == ["s1", "s1", "s2"]
    by_function = find_videos(folder, group=lambda path: path.stem[-1])
    assert [video.group for video in by_function] == ["b", "a", "a"]
    assert len({video.group for video in find_videos(folder)}) == 3


@pytest.mark.parametrize(
    ("pattern", "options", "error", "message"),
    [
        ("nowhere", {}, UsageError, "neither a folder nor a pattern"),
        ("{classname}/*.mov", {}, DatasetError, "no video matches"),
        ("{classname}/s2*", {}, DatasetError, "only \\['wave'\\]"),
        ("", {"labels": ["wave", "jump"]}, DatasetError, "no video has the label \\['jump'\\]"),
        ("", {"group": "("}, UsageError, "is not a regular expression"),
        ("", {"group": r"s9"}, DatasetError, "does not match"),
        ("", {"group": r"mp4(x)?|AVI"}, DatasetError, "does not match"),
    ],
)
def test_mistakes_are_told(
    folder: Path, pattern: str, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        find_videos(f"{folder}/{pattern}", **options)


def test_videos_of_a_label_may_be_in_folders(tmp_path: Path) -> None:
    for name in ("wave/ann/1.mp4", "wave/bob/2.MTS", "clap/1.m2ts", "clap/2.gif", "clap/3.vob"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert _names(find_videos(tmp_path)) == [
        ("clap", "1.m2ts"),
        ("clap", "2.gif"),
        ("clap", "3.vob"),
        ("wave", "1.mp4"),
        ("wave", "2.MTS"),
    ]


def test_linked_folders_are_followed_once(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    (tmp_path / "elsewhere" / "deep" / "x.mp4").touch()
    (tmp_path / "elsewhere" / "deep" / "round").symlink_to(tmp_path / "elsewhere")
    (folder / "jump").symlink_to(tmp_path / "elsewhere")
    assert ("jump", "x.mp4") in _names(find_videos(folder))
    assert len(find_videos(folder)) == 4


def test_what_is_passed_over_is_named(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / "wave" / "lost.mp4").symlink_to(folder / "nowhere.mp4")
    (folder / "jump").mkdir()
    (folder / "jump" / "photo.jpg").touch()
    (folder / "clap" / ".hidden").touch()
    assert labels_of(find_videos(folder)) == ("clap", "wave")
    passed_over, outside, empty = [record.getMessage() for record in caplog.records]
    assert f"2 not named like a video ({folder}/clap/notes.txt, {folder}/jump/photo" in passed_over
    assert f"1 links to nothing ({folder}/wave/lost.mp4)" in passed_over
    assert outside.endswith(f"no label's folder: {folder}/top.mp4")
    assert empty == f"{folder}: no label, because there is no video inside: jump"


def test_broken_links_of_a_pattern_are_named(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "wave" / "lost.mp4").symlink_to(folder / "nowhere.mp4")
    assert len(find_videos(f"{folder}/{{classname}}/*.mp4")) == 2
    (line,) = [record.getMessage() for record in caplog.records]
    assert "1 links to nothing" in line
    assert "lost.mp4" in line


def test_a_folder_that_cannot_be_read_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for label in ("wave", "clap"):
        (tmp_path / label / "more").mkdir(parents=True)
        (tmp_path / label / "x.mp4").touch()
    look = os.scandir

    def refuse(place: Any) -> Any:  # root may read everything, so permissions would not do
        if str(place).endswith("clap/more"):
            raise PermissionError(13, "Permission denied", str(place))
        return look(place)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(DatasetError, match="clap/more cannot be read: Permission denied; check"):
        find_videos(tmp_path)


def test_a_folder_that_a_pattern_cannot_look_into_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for label in ("wave", "clap", "jump"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "x.mp4").touch()
    monkeypatch.setattr(os, "access", lambda place, _: not str(place).endswith("clap"))
    with pytest.raises(DatasetError, match="/clap cannot be read; check the permissions"):
        find_videos(f"{tmp_path}/{{classname}}/*.mp4")
