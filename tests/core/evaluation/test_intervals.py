"""The CSV of what truly happens: read, and every mistake told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtaction.errors import DatasetError, RtactionError, SourceMissing, UsageError
from rtaction.evaluation.intervals import Interval, LabelledTime, left_out_notes, read_intervals

HEADER = "video,label,start_seconds,end_seconds\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("x.mp4", "sub/y.mp4", "sub/z.AVI", "notes.txt"):
        path = tmp_path / "videos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "videos"


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder.parent / "events.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_all_that_happens(folder: Path) -> None:
    text = HEADER + 'sub/y.mp4,wave,12.5,14\nx.mp4,,,\n sub/y.mp4 , "clap" ,0,1e1\n'

    found = read_intervals(written(folder, text.replace(' "clap" ', "clap")), folder)

    assert found == [
        LabelledTime(
            folder / "sub/y.mp4",
            (Interval("clap", 0.0, 10.0, 4), Interval("wave", 12.5, 14.0, 2)),
            None,
        ),
        LabelledTime(folder / "x.mp4", (), None),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_parts_in_any_order_of_columns(folder: Path, encoding: str, newline: str) -> None:
    text = "split,end_seconds,start_seconds,label,video\ntune,2,1,größe,x.mp4\ntest,,,,sub/y.mp4\n"

    found = read_intervals(written(folder, text.replace("\n", newline), encoding), folder)

    assert [(one.path.name, one.part) for one in found] == [("x.mp4", "tune"), ("y.mp4", "test")]
    assert found[0].intervals == (Interval("größe", 1.0, 2.0, 2),)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", DatasetError, "line 1: expected the header video,label.*got nothing"),
        ("x.mp4,wave,1,2\n", DatasetError, "line 1: expected the header"),
        (HEADER.replace("label,", ""), DatasetError, "line 1: expected the header"),
        ("video,label,start_seconds,end_seconds,x\n", DatasetError, "line 1: expected the header"),
        ("video,video,label,start_seconds,end_seconds\n", DatasetError, "line 1"),
        (HEADER, DatasetError, "has only a header"),
        (HEADER + "x.mp4,wave,1,2\n\nx.mp4,wave,2,1\n", DatasetError, "line 4: end_seconds must"),
        (HEADER + "x.mp4,wave,1,1\n", DatasetError, "line 2: end_seconds must be above"),
        (HEADER + "x.mp4,wave,one,2\n", DatasetError, "line 2: start_seconds: .*got 'one'"),
        (HEADER + "x.mp4,wave,1\n", DatasetError, "line 2: end_seconds: .*got ''"),
        (HEADER + "x.mp4,wave,-1,2\n", DatasetError, "line 2: start_seconds"),
        (HEADER + "x.mp4,wave,nan,2\n", DatasetError, "line 2: start_seconds"),
        (HEADER + "x.mp4,wave,1,inf\n", DatasetError, "line 2: end_seconds"),
        (HEADER + "x.mp4,,1,2\n", DatasetError, "line 2: label"),
        (HEADER + ",wave,1,2\n", DatasetError, "line 2: video: expected a file name"),
        (HEADER + "a,b.mp4,wave,1,2\n", DatasetError, "line 2: more values than the header has"),
        (HEADER + "none.mp4,wave,1,2\n", SourceMissing, "line 2: there is no video file .*none"),
        (HEADER.strip() + ",split\nx.mp4,,,,train\n", DatasetError, "line 2: split: .*'train'"),
        (
            HEADER.strip() + ",split\nx.mp4,a,1,2,tune\nx.mp4,a,3,4,test\n",
            DatasetError,
            "line 3: .*x.mp4 is in two parts",
        ),
        (HEADER + 'x.mp4,"wave,1,2\n', DatasetError, "is not valid CSV"),
    ],
)
def test_mistakes_are_told(
    folder: Path, text: str, error: type[RtactionError], message: str
) -> None:
    with pytest.raises(error, match=message):
        read_intervals(written(folder, text), folder)


def test_a_file_that_cannot_be_read(folder: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read_intervals(folder / "none.csv", folder)
    with pytest.raises(UsageError, match="is not UTF-8"):
        read_intervals(written(folder, HEADER + "größe.mp4,,,\n", "latin-1"), folder)


def test_videos_that_no_line_names(folder: Path) -> None:
    found = read_intervals(written(folder, HEADER + "sub/../x.mp4,,,\n"), folder)
    (note,) = left_out_notes(found, folder)
    assert note.startswith("left out, because no line names them: 2 of the folder's videos")
    assert note.endswith("add sub/y.mp4,,,")

    every = read_intervals(written(folder, HEADER + "x.mp4,,,\nsub/y.mp4,,,\nsub/z.AVI,,,"), folder)
    assert left_out_notes(every, folder) == []
