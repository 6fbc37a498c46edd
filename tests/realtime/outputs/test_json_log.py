"""Each line of the log is one JSON object that other programs can rely on."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, get_args

import numpy as np
import pytest

from rtaction.errors import OutputError
from rtaction.model_spec import ModelSpec
from rtaction.prediction import Prediction
from rtaction.realtime.actions.detector import ActionEvent
from rtaction.realtime.outputs import line_writer
from rtaction.realtime.outputs.json_log import JsonLog, wall_clock
from rtaction.realtime.outputs.options import LineKind
from rtaction.realtime.outputs.rotated_file import Rotation
from rtaction.realtime.watching.moment import StateChange
from rtaction.realtime.watching.stats import WatchStats
from rtaction.realtime.windows.state import State
from tests.project import ROOT
from tests.realtime.conftest import json_lines, prediction_of

SPEC = ModelSpec(("wave", "clap", "nothing"), 5, 1.0, 8, 8, background_label="nothing")
EVENT = ActionEvent("test", "wave", 11.5, None, 0.75, 3)


@pytest.fixture
def stats() -> WatchStats:
    return WatchStats()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "log.jsonl"


@pytest.fixture
def log(path: Path, stats: WatchStats) -> JsonLog:
    return JsonLog(str(path), SPEC, stats, top_k=2)


def lines_of(path: Path) -> list[dict[str, Any]]:
    return json_lines(path.read_text(encoding="utf-8"))


def seconds_ago(time_text: str) -> float:
    """Age of a line's time."""
    at = datetime.fromisoformat(time_text)
    assert at.tzinfo == UTC
    return (datetime.now(UTC) - at).total_seconds()


def test_a_prediction_of_a_file(log: JsonLog, path: Path) -> None:
    prediction = prediction_of(SPEC, (0.25, 0.625, 0.125), start_seconds=0.5, end_seconds=1.5)

    log.prediction(prediction, is_live=False)
    log.close()

    assert lines_of(path) == [
        {
            "type": "prediction",
            "schema_version": 2,
            "source": "test",
            "time": None,
            "start_seconds": 0.5,
            "end_seconds": 1.5,
            "label": "clap",
            "score": 0.625,
            "shown": True,
            "top": [{"label": "clap", "score": 0.625}, {"label": "wave", "score": 0.25}],
            "latency_seconds": 0.012,
            "frame_age_seconds": 0.0,
        }
    ]


def test_a_prediction_of_a_camera(log: JsonLog, path: Path, stats: WatchStats) -> None:
    """Seconds count from its first frame; `time` is when the last picture was taken."""
    now = time.monotonic()
    stats.of("test").first_seconds = now - 100.0
    scores = np.array([0.7, 0.2, 0.1], np.float32)

    log.prediction(
        Prediction(scores, SPEC.labels, now - 8.5, now - 7.5, 0.25, "test", 0.125), is_live=True
    )
    log.close()

    (line,) = lines_of(path)
    assert (line["start_seconds"], line["end_seconds"]) == (91.5, 92.5)
    assert (line["latency_seconds"], line["frame_age_seconds"]) == (0.25, 0.125)
    assert 7.49 <= seconds_ago(line["time"]) <= 7.5 + (time.monotonic() - now) + 0.01


def test_an_event_of_a_file(log: JsonLog, path: Path, stats: WatchStats) -> None:
    stats.of("test").first_seconds = 0.0

    log.event(EVENT, is_live=False)
    log.event(replace(EVENT, end_seconds=13.0, peak_score=0.9), is_live=False)
    log.close()

    start: dict[str, Any] = {
        "type": "event",
        "schema_version": 2,
        "source": "test",
        "time": None,
        "phase": "start",
        "number": 3,
        "label": "wave",
        "start_seconds": 11.5,
        "end_seconds": None,
        "peak_score": 0.75,
    }
    end = start | {"phase": "end", "end_seconds": 13.0, "peak_score": 0.9}
    assert lines_of(path) == [start, end]


def test_who_did_it_and_where_is_told_of_people_only(log: JsonLog, path: Path) -> None:
    box = (0.1, 0.25, 0.98765, 0.5)
    prediction = prediction_of(SPEC, (0.25, 0.625, 0.125))
    of_person: dict[str, Any] = {"person": 3, "box": box, "zones": ("porch", "steps")}
    log.prediction(replace(prediction, **of_person), is_live=False)
    log.event(replace(EVENT, **of_person), is_live=False)
    log.prediction(prediction, is_live=False)
    log.event(EVENT, is_live=False)
    log.close()

    *of_people, plain, plain_event = lines_of(path)
    for line, without in zip(of_people, (plain, plain_event), strict=True):
        seen = {"person": 3, "box": [0.1, 0.25, 0.9877, 0.5], "zones": ["porch", "steps"]}
        assert line == without | seen
        assert not seen.keys() & without.keys()


@pytest.mark.parametrize(("lasted_seconds", "expected_ago"), [(None, 5.0), (2.0, 3.0)])
def test_an_event_of_a_camera(
    log: JsonLog,
    path: Path,
    stats: WatchStats,
    lasted_seconds: float | None,
    expected_ago: float,
) -> None:
    """`time` is the moment that the line speaks of: the start, and then the end."""
    start = time.monotonic() - 5.0
    stats.of("test").first_seconds = start - 60.0
    end = None if lasted_seconds is None else start + lasted_seconds

    log.event(replace(EVENT, start_seconds=start, end_seconds=end), is_live=True)
    log.close()

    (line,) = lines_of(path)
    assert line["start_seconds"] == pytest.approx(60.0)
    assert line["end_seconds"] == (None if end is None else pytest.approx(62.0))
    assert expected_ago - 0.01 <= seconds_ago(line["time"]) <= expected_ago + 30.0


@pytest.mark.parametrize("state", get_args(State))
def test_a_state(log: JsonLog, path: Path, state: State) -> None:
    at_seconds = time.monotonic() - 2.0

    log.state(StateChange("test", state, "because", at_seconds), is_live=True)
    log.state(StateChange("test", state, "", 7.0), is_live=False)
    log.close()

    live, file = lines_of(path)
    assert 1.99 <= seconds_ago(live.pop("time")) <= 32.0
    expected = {"type": "state", "schema_version": 2, "source": "test", "state": state}
    assert live == expected | {"reason": "because"}
    assert file == expected | {"reason": "", "time": None}


def test_a_summary(log: JsonLog, path: Path, stats: WatchStats) -> None:
    one = stats.of("test")
    one.started_seconds, one.ended_seconds = 0.0, 4.0
    one.num_frames, one.num_events, one.num_reconnects = 100, 2, 1
    one.drops = Counter({"late": 3, "burst": 25})
    one.count(replace(prediction_of(SPEC, (0.7, 0.2, 0.1)), frame_age_seconds=0.004))

    log.summary()
    log.close()

    (line,) = lines_of(path)
    assert 0.0 <= seconds_ago(line.pop("time")) <= 30.0
    assert 0.0 <= line.pop("elapsed_seconds") <= 30.0
    assert line.pop("memory_bytes") > 10_000_000
    assert line.pop("threads") >= 1
    percentiles = line["sources"]["test"].pop("latency_seconds")
    assert percentiles == pytest.approx({"p50": 0.012, "p95": 0.012, "p99": 0.012}, rel=0.02)
    ages = line["sources"]["test"].pop("frame_age_seconds")
    assert ages == pytest.approx({"p50": 0.004, "p95": 0.004, "p99": 0.004}, rel=0.02)
    assert line == {
        "type": "summary",
        "schema_version": 2,
        "sources": {
            "test": {
                "frames": 100,
                "frames_per_second": 25.0,
                "predictions": 1,
                "predictions_per_second": 0.25,
                "events": 2,
                "reconnects": 1,
                "drops": {"burst": 25, "late": 3},
            }
        },
    }


def test_a_summary_before_anything_has_come(log: JsonLog, path: Path, stats: WatchStats) -> None:
    stats.of("test")

    log.summary()
    log.close()

    (line,) = lines_of(path)
    assert line["sources"]["test"]["latency_seconds"] == {"p50": None, "p95": None, "p99": None}
    assert line["sources"]["test"]["drops"] == {}


def test_sources_have_their_own_beginning(log: JsonLog, path: Path, stats: WatchStats) -> None:
    stats.of("a").first_seconds, stats.of("b").first_seconds = 100.0, 200.0
    for source in ("a", "b", "unknown"):
        log.prediction(
            prediction_of(
                SPEC, (0.7, 0.2, 0.1), start_seconds=300.0, end_seconds=301.0, source=source
            ),
            is_live=False,
        )
    log.close()

    assert [(line["source"], line["start_seconds"]) for line in lines_of(path)] == [
        *(("a", 200.0), ("b", 100.0), ("unknown", 300.0))
    ]


@pytest.mark.parametrize(
    ("scores", "expected_label", "expected_shown"),
    [
        ((0.7, 0.2, 0.1), "wave", True),
        ((0.4, 0.3, 0.3), "wave", False),
        ((0.1, 0.1, 0.8), "nothing", False),
    ],
)
def test_shown(
    path: Path,
    stats: WatchStats,
    scores: tuple[float, ...],
    expected_label: str,
    expected_shown: bool,
) -> None:
    log = JsonLog(str(path), SPEC, stats)
    log.prediction(prediction_of(SPEC, scores), is_live=False)
    log.close()

    (line,) = lines_of(path)
    assert (line["label"], line["shown"]) == (expected_label, expected_shown)
    assert len(line["top"]) == 3


def test_a_line_is_there_at_once(log: JsonLog, path: Path) -> None:
    counts = []
    writes: list[Callable[[], None]] = [
        lambda: log.prediction(prediction_of(SPEC, (0.7, 0.2, 0.1)), is_live=False),
        lambda: log.event(EVENT, is_live=False),
        lambda: log.state(StateChange("test", "ok", "", 0.0), is_live=False),
        log.summary,
    ]
    for write in writes:
        write()
        counts.append(len(lines_of(path)))
    log.close()

    assert counts == [1, 2, 3, 4]
    assert [line["type"] for line in lines_of(path)] == ["prediction", "event", "state", "summary"]


def test_stdout_stays_open(stats: WatchStats, capsys: pytest.CaptureFixture[str]) -> None:
    log = JsonLog("-", SPEC, stats)
    log.prediction(prediction_of(SPEC, (0.7, 0.2, 0.1)), is_live=False)
    log.close()

    print("after")
    line, after = capsys.readouterr().out.splitlines()
    assert json.loads(line)["label"] == "wave"
    assert after == "after"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_a_console_of_any_encoding_gets_the_label(
    monkeypatch: pytest.MonkeyPatch, stats: WatchStats, encoding: str
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    spec = replace(SPEC, labels=("拍手 ñ", "b", "nothing"))
    log = JsonLog("-", spec, stats)

    log.prediction(prediction_of(spec, (0.7, 0.2, 0.1)), is_live=False)
    log.state(StateChange("vídeo", "down", "weg … später", 0.0), is_live=False)

    prediction, state = json_lines(raw.getvalue().decode(encoding))
    assert prediction["label"] == "拍手 ñ"
    assert (state["source"], state["reason"]) == ("vídeo", "weg … später")


def test_a_folder_in_the_way(tmp_path: Path, stats: WatchStats) -> None:
    with pytest.raises(OutputError, match="cannot write --output"):
        JsonLog(str(tmp_path), SPEC, stats)


def test_a_file_where_a_folder_must_be(tmp_path: Path, stats: WatchStats) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(OutputError, match="cannot write --output"):
        JsonLog(str(tmp_path / "file" / "log.jsonl"), SPEC, stats)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk(stats: WatchStats) -> None:
    log = JsonLog("/dev/full", SPEC, stats)

    with pytest.raises(OutputError, match="No space left"):
        log.prediction(prediction_of(SPEC, (0.7, 0.2, 0.1)), is_live=False)
    log.close()


def test_no_stdout_at_all(stats: WatchStats, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `>&-` leaves of it."""
    monkeypatch.setattr(sys, "stdout", None)

    with pytest.raises(OutputError, match="cannot write --output -"):
        JsonLog("-", SPEC, stats)


@pytest.mark.skipif(sys.platform == "win32", reason="pipes break otherwise there")
def test_a_reader_that_has_gone() -> None:
    """The writer is told, and what is still buffered does not fail once more at the end."""
    script = (
        "import sys, time\n"
        "from rtaction.realtime.outputs.json_log import JsonLog\n"
        "from rtaction.realtime.watching.stats import WatchStats\n"
        "from tests.realtime.outputs.test_json_log import SPEC\n"
        "log = JsonLog('-', SPEC, WatchStats())\n"
        "sys.stdin.read()\n"
        "try:\n"
        "    log.summary()\n"
        "except BrokenPipeError:\n"
        "    print('gone', file=sys.stderr)\n"
    )
    root = ROOT
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        text=True,
    )
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None

    _, stderr = process.communicate("", timeout=60)

    assert stderr == "gone\n"
    assert process.returncode == 0


@pytest.mark.parametrize("ago_seconds", [0.0, 1.5, 3600.0])
def test_the_wall_clock(ago_seconds: float) -> None:
    before = datetime.now(UTC)
    text = wall_clock(time.monotonic() - ago_seconds)
    after = datetime.now(UTC)

    at_seconds = datetime.fromisoformat(text).timestamp() + ago_seconds
    # It is told to the millisecond.
    assert before.timestamp() - 0.0015 <= at_seconds <= after.timestamp() + 0.0005
    assert text.endswith("+00:00")


def test_the_log_of_the_run_before_is_kept(path: Path, stats: WatchStats) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('{"type": "summary"}\n{"type": "predic')
    for _ in range(2):
        log = JsonLog(str(path), SPEC, stats)
        log.summary()
        log.close()
    first, cut_off, *later = path.read_text().splitlines()
    assert (first, cut_off) == ('{"type": "summary"}', '{"type": "predic')
    assert [json.loads(line)["type"] for line in later] == ["summary"] * 2


def test_a_log_that_cannot_be_read_is_appended_to(
    path: Path, stats: WatchStats, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """To write a file is not always to read it: who may append need not see."""
    path.parent.mkdir(parents=True)
    path.write_text("before\n")

    def refuse(self: Path, mode: str, encoding: str | None = None) -> IO[Any]:
        if "r" in mode:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return open(self, mode, encoding=encoding)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", refuse)
        log = JsonLog(str(path), SPEC, stats)
    log.summary()
    log.close()

    before, empty, line = path.read_text().splitlines()
    assert (before, empty, json.loads(line)["type"]) == ("before", "", "summary")
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith(f"--output {path} cannot be read (Permission denied); its last line")


def test_lines_left_out_are_told(
    tmp_path: Path,
    stats: WatchStats,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(line_writer, "MAX_BYTES", 1)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    spec = replace(SPEC, labels=("w" * 80_000, "clap", "nothing"))
    log = JsonLog(str(pipe), spec, stats, waits=False)
    for _ in range(5):
        log.prediction(prediction_of(spec, (0.7, 0.2, 0.1)), is_live=True)
    os.set_blocking(reader, True)
    with os.fdopen(reader, encoding="ascii") as file:
        assert json.loads(file.readline())["type"] == "prediction"
        log.summary()
        log.close()
        *_, last = json_lines(file.read())

    assert last["type"] == "summary"
    assert last["lines_left_out"] == 4
    first, total = [record.getMessage() for record in caplog.records]
    assert "its reader does not keep up" in first
    assert "4 lines were left out" in total


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        ((), ["prediction", "event", "state", "summary"]),
        (("events",), ["event"]),
        (("summary", "predictions"), ["prediction", "summary"]),
        (("states",), ["state"]),
    ],
)
def test_only_some_kinds_of_lines(
    path: Path, stats: WatchStats, only: tuple[LineKind, ...], expected: list[str]
) -> None:
    log = JsonLog(str(path), SPEC, stats, only=only)
    log.prediction(prediction_of(SPEC, (0.25, 0.625, 0.125)), is_live=False)
    log.event(EVENT, is_live=False)
    log.state(StateChange("test", "ok", "", 0.0), is_live=False)
    log.summary()
    log.close()
    assert [line["type"] for line in lines_of(path)] == expected


def test_a_full_log_begins_anew(path: Path, stats: WatchStats) -> None:
    log = JsonLog(str(path), SPEC, stats, rotation=Rotation(1000, 2))
    for _ in range(30):
        log.event(EVENT, is_live=False)
    log.close()
    files = sorted(path.parent.iterdir())
    assert [one.name for one in files] == [path.name, f"{path.name}.1", f"{path.name}.2"]
    for one in files:
        assert one.stat().st_size <= 1000
        assert all(line["type"] == "event" for line in lines_of(one))
