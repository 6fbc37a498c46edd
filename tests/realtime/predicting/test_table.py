"""Tables grow, are continued, and never lose a row."""

from __future__ import annotations

import csv
import json
import resource
from pathlib import Path

import pytest

from rtaction.errors import OutputError, UsageError
from rtaction.realtime.predicting.answer import Answer, Span
from rtaction.realtime.predicting.options import Format
from rtaction.realtime.predicting.table import Table

SCORES = (("wave", 0.7), ("clap", 0.2), ("nothing", 0.1))
ANSWERS = [
    Answer(
        Path('videos/a "b", c.mp4'),
        SCORES,
        (Span("wave", 0.5, 2.25, 0.91, 2), Span("clap", 3.0, 4.0, 0.8)),
        5.0,
    ),
    Answer(Path("videos/Ünï\udcff.mp4"), SCORES[:1], (), 0.25, is_short=True),
    Answer(Path("videos/no.mp4"), (), (), 0.0, problem="no frame can be decoded; is it damaged?"),
]


def write(path: Path, answers: list[Answer], kind: Format = "csv", **more: object) -> Table:
    table = Table(path, kind, **{"model": "abc", "top": 2} | more)  # type: ignore[arg-type]
    with table.open():
        for answer in answers:
            table.write(answer)
    return table


def test_a_row_of_csv(tmp_path: Path) -> None:
    write(tmp_path / "new" / "a.csv", ANSWERS)
    with (tmp_path / "new" / "a.csv").open(errors="surrogateescape", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0] == {
        "video": 'videos/a "b", c.mp4',
        "label": "wave",
        "score": "0.7",
        "label_2": "clap",
        "score_2": "0.2",
        "events": "wave 0.5-2.25; clap 3-4",
        "duration_seconds": "5.0",
        "is_short": "",
        "problem": "",
        "model": "abc",
    }
    assert rows[1]["video"] == "videos/Ünï\udcff.mp4"
    assert rows[1]["is_short"] == "yes"
    assert (rows[1]["label_2"], rows[1]["score_2"]) == ("", "")
    assert (rows[2]["label"], rows[2]["problem"]) == ("", "no frame can be decoded; is it damaged?")


def test_a_line_of_json(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", ANSWERS[::2], "jsonl")
    one, other = map(json.loads, (tmp_path / "a.jsonl").read_text().splitlines())
    assert one == {
        "video": 'videos/a "b", c.mp4',
        "label": "wave",
        "score": 0.7,
        "top": [{"label": "wave", "score": 0.7}, {"label": "clap", "score": 0.2}],
        "events": [
            {
                "label": "wave",
                "start_seconds": 0.5,
                "end_seconds": 2.25,
                "score": 0.91,
                "person": 2,
            },
            {"label": "clap", "start_seconds": 3.0, "end_seconds": 4.0, "score": 0.8},
        ],
        "duration_seconds": 5.0,
        "is_short": False,
        "problem": None,
        "model": "abc",
    }
    assert other["label"] is None
    assert other["problem"].startswith("no frame")


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_table_is_continued_after_half_a_row(tmp_path: Path, kind: Format) -> None:
    path = tmp_path / f"a.{kind}"
    write(path, ANSWERS, kind)
    whole = path.read_bytes()
    for num_bytes in range(len(whole)):
        path.write_bytes(whole[:num_bytes])
        table = Table(path, kind, model="abc", top=2)
        left = [one for one in ANSWERS if str(one.path) not in table.done]
        assert len(left) + len(table.done) == 3
        with table.open():
            for answer in left:
                table.write(answer)
        assert path.read_bytes() == whole


@pytest.mark.parametrize(
    ("kind", "content", "message"),
    [
        ("csv", "video,other\n", "its columns are others"),
        ("csv", "a diary\n", "its columns are others"),
        ("jsonl", "a diary\n", "expected predictions of before"),
        ("jsonl", "[]\n", "lacks its video"),
        ("jsonl", '{"video": "a.mp4", "model": "xyz"}\n', "another model, or by other settings"),
    ],
)
def test_other_files_are_left_as_they_are(
    tmp_path: Path, kind: Format, content: str, message: str
) -> None:
    path = tmp_path / "a"
    path.write_text(content)
    with pytest.raises(UsageError, match=message):
        Table(path, kind, model="abc", top=2)
    assert path.read_text() == content


def test_another_top_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", ANSWERS)
    with pytest.raises(UsageError, match="give the same --top as then"):
        Table(tmp_path / "a.csv", "csv", model="abc", top=3)


def test_a_full_disk_is_told_and_whole_rows_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (600, before[1]))
    try:
        with pytest.raises(OutputError, match=r"cannot write .*a\.jsonl: it is too large"):
            write(path, ANSWERS * 5, "jsonl")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert Table(path, "jsonl", model="abc", top=2).done == {str(one.path) for one in ANSWERS[:2]}
