"""Annotation files: what they say, and every mistake told with its line."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from rtaction.errors import DatasetError, RtactionError, UsageError
from rtaction.labelled.annotations import read_annotations
from rtaction.labelled.videos import Video, find_videos, labels_of
from rtaction.video.span import Span

HEADER = "video,label,start,end\n"
KINETICS = "label,youtube_id,time_start,time_end,split\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.mp4", "deep/b.mkv", "c.mp4"):
        path = tmp_path / "videos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "videos"


def written(folder: Path, text: str) -> Path:
    path = folder / "labels.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_whole_files_and_parts_of_them(folder: Path) -> None:
    text = HEADER + "c.mp4,wave,,\na.mp4,wave,6,7.5\na.mp4, clap ,1.25,2\ndeep/b.mkv,clap,0,3\n"

    videos = find_videos(written(folder, text))

    a, b, c = (folder / name for name in ("a.mp4", "deep/b.mkv", "c.mp4"))
    assert videos == [
        Video(a, "clap", str(a), Span(1.25, 2.0)),
        Video(a, "wave", str(a), Span(6.0, 7.5)),
        Video(c, "wave", str(c)),
        Video(b, "clap", str(b), Span(0.0, 3.0)),
    ]
    names = [video.name for video in videos[:3]]
    assert names == ["a.mp4, 1.25 to 2 s", "a.mp4, 6 to 7.5 s", "c.mp4"]
    assert [video.span.line for video in videos if video.span] == [4, 3, 5]


@pytest.mark.parametrize(
    "header",
    [
        "end_seconds,group,label,video,start_seconds,split",
        "end,group,label,video,start,split",
    ],
)
def test_groups_and_the_split_in_any_order_of_columns(folder: Path, header: str) -> None:
    rows = ["2,ann,wave,a.mp4,1,val", "4,ann,clap,a.mp4,3,validate", ",,clap,c.mp4,,train"]
    videos = find_videos(written(folder, "\n".join([header, *rows])))
    assert [(v.group, v.part) for v in videos] == [
        ("ann", "validation"),
        ("ann", "validation"),
        (str(folder / "c.mp4"), "train"),
    ]
    by_regex = find_videos(folder / "labels.csv", group=r"videos/(.)")
    assert [video.group for video in by_regex] == ["a", "a", "c"]


def test_names_may_be_relative_to_another_folder(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    path = written(tmp_path / "elsewhere", "video,label\na.mp4,x\nc.mp4,y\n")
    assert labels_of(find_videos(path, root=folder)) == ("x", "y")
    with pytest.raises(DatasetError, match=r"none of its videos is there \(line 2: a.mp4, line 3"):
        find_videos(path)
    with pytest.raises(UsageError, match=r"--videos-root .*nowhere: there is no such folder"):
        find_videos(path, root=folder / "nowhere")
    with pytest.raises(UsageError, match="--videos-root is for annotation files"):
        find_videos(folder, root=folder)


def test_kinetics(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    trimmed = folder / "train" / "waving hand" / "abc-_1_000012_000022.mp4"
    trimmed.parent.mkdir(parents=True)
    trimmed.touch()
    (folder / "xyz.webm").touch()
    text = KINETICS + (
        "waving hand,abc-_1,12,22,train\n"
        "clapping,xyz,3,13,validate\n"
        "clapping,gone,0,10,train\n"
        "clapping,xyz,103,113,test\n"
    )

    videos = find_videos(written(folder, text))

    assert videos == [
        Video(trimmed, "waving hand", "abc-_1", None, "train"),
        Video(folder / "xyz.webm", "clapping", "xyz", Span(3.0, 13.0), "validation"),
        Video(folder / "xyz.webm", "clapping", "xyz", Span(103.0, 113.0), "test"),
    ]
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.endswith(
        "skipped 1 of 4 lines, because their videos are missing (line 4: gone_000000_000010.mp4)"
    )


def test_missing_files_are_counted_and_the_first_named(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    rows = "".join(f"gone{number}.mp4,wave\n" for number in range(5))
    found = read_annotations(written(folder, f"video,label\n{rows}a.mp4,wave\n"))
    assert [one.line for one in found] == [7]
    assert "skipped 5 of 6 lines" in caplog.text
    assert "(line 2: gone0.mp4, line 3: gone1.mp4, line 4: gone2.mp4 and 2 more)" in caplog.text


def test_a_line_that_is_there_twice_counts_once(folder: Path) -> None:
    text = HEADER + "a.mp4,wave,1,2\na.mp4,wave,1,2\nc.mp4,clap,,\n"
    assert len(find_videos(written(folder, text))) == 2


def test_a_row_of_a_saved_split() -> None:
    for video in (
        Video(Path("in/a.mp4"), "wave", "ann"),
        Video(Path("in/a.mp4"), "wave", "ann", Span(1.5, 2.5)),
    ):
        assert Video.from_row(video.to_row()) == video
        assert Video.from_dict(video.to_dict() | {"called": "clap"}) == video


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", DatasetError, "line 1: expected the header video,label .*got nothing"),
        ("video,action\n", DatasetError, "line 1: .*got video,action; unknown: action"),
        ("video,label,start\n", DatasetError, "line 1: expected the header"),
        ("label,youtube_id,split\n", DatasetError, "line 1: expected the header"),
        ("video,label,end,end_seconds\n", DatasetError, "line 1: columns must differ"),
        (HEADER, DatasetError, "has only a header"),
        (HEADER + "a.mp4,wave,one,2\n", DatasetError, "line 2: start: expected seconds.*'one'"),
        (HEADER + "a.mp4,wave,1,\n", DatasetError, "line 2: end: expected seconds.*got ''"),
        (HEADER + "a.mp4,wave,2,1\n", DatasetError, "line 2: end must be above start 2, got 1"),
        (KINETICS + "wave,a,9,5,train\n", DatasetError, "time_end must be above time_start 9"),
        (HEADER + "a.mp4,,1,2\n", DatasetError, "line 2: label: expected an action, got nothing"),
        (HEADER + ",wave,1,2\n", DatasetError, "line 2: video: expected a file name"),
        (KINETICS + "wave,,1,2,train\n", DatasetError, "line 2: youtube_id: expected a name"),
        (
            KINETICS + "wave,a,1,2,holdout\n",
            DatasetError,
            'line 2: split: expected "train" or "validation" .*\'holdout\'',
        ),
        (
            HEADER + "a.mp4,wave,1,2\na.mp4,clap,1,2\n",
            DatasetError,
            "line 3: a.mp4, 1 to 2 s has the label 'wave' in an earlier line, got 'clap'",
        ),
        (HEADER + "a.mp4,wave,1,2\n", DatasetError, "2 actions, got only .'wave'.*add lines with"),
    ],
)
def test_mistakes_are_told(
    folder: Path, text: str, error: type[RtactionError], message: str
) -> None:
    with pytest.raises(error, match=message):
        find_videos(written(folder, text))


@pytest.mark.parametrize(
    ("options", "message"),
    [({"labels": ["jump", "wave"]}, "no video has the label"), ({"group": "x(.)y"}, "not match")],
)
def test_what_folders_can_have_files_can_have(
    folder: Path, options: dict[str, Any], message: str
) -> None:
    path = written(folder, "video,label\na.mp4,wave\nc.mp4,clap\n")
    with pytest.raises(DatasetError, match=message):
        find_videos(path, **options)
