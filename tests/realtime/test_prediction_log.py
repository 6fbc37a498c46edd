"""Each line of the log is one JSON object that other programs can rely on."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from rtaction.errors import OutputError
from rtaction.model_spec import ModelSpec
from rtaction.realtime.prediction_log import PredictionLog
from tests.realtime.conftest import json_lines, prediction_of

SPEC = ModelSpec(("wave", "clap", "nothing"), 5, 1.0, 8, 8, background_label="nothing")


def test_a_line(tmp_path: Path) -> None:
    path = tmp_path / "new" / "log.jsonl"
    log = PredictionLog(str(path), SPEC, top_k=2)
    prediction = prediction_of(SPEC, (0.25, 0.625, 0.125), start_seconds=0.5, end_seconds=1.5)

    log.write(prediction)
    log.close()

    assert json_lines(path.read_text(encoding="utf-8")) == [
        {
            "type": "prediction",
            "schema_version": 1,
            "source": "test",
            "start_seconds": 0.5,
            "end_seconds": 1.5,
            "label": "clap",
            "score": 0.625,
            "shown": True,
            "top": [{"label": "clap", "score": 0.625}, {"label": "wave", "score": 0.25}],
            "latency_seconds": 0.012,
        }
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
    tmp_path: Path, scores: tuple[float, ...], expected_label: str, expected_shown: bool
) -> None:
    path = tmp_path / "log.jsonl"
    log = PredictionLog(str(path), SPEC)
    log.write(prediction_of(SPEC, scores))
    log.close()

    (line,) = json_lines(path.read_text(encoding="utf-8"))
    assert (line["label"], line["shown"]) == (expected_label, expected_shown)
    assert len(line["top"]) == 3


def test_a_line_is_there_at_once(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log = PredictionLog(str(path), SPEC)
    counts = []
    for _ in range(3):
        log.write(prediction_of(SPEC, (0.7, 0.2, 0.1)))
        counts.append(len(json_lines(path.read_text(encoding="utf-8"))))
    log.close()

    assert counts == [1, 2, 3]


def test_stdout_stays_open(capsys: pytest.CaptureFixture[str]) -> None:
    log = PredictionLog("-", SPEC)
    log.write(prediction_of(SPEC, (0.7, 0.2, 0.1)))
    log.close()

    print("after")
    line, after = capsys.readouterr().out.splitlines()
    assert json.loads(line)["label"] == "wave"
    assert after == "after"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_a_console_of_any_encoding_gets_the_label(
    monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    spec = replace(SPEC, labels=("拍手 ñ", "b", "nothing"))

    PredictionLog("-", spec).write(prediction_of(spec, (0.7, 0.2, 0.1)))

    assert json.loads(raw.getvalue().decode(encoding))["label"] == "拍手 ñ"


def test_a_folder_in_the_way(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write --output"):
        PredictionLog(str(tmp_path), SPEC)


def test_a_file_where_a_folder_must_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(OutputError, match="cannot write --output"):
        PredictionLog(str(tmp_path / "file" / "log.jsonl"), SPEC)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk() -> None:
    log = PredictionLog("/dev/full", SPEC)

    with pytest.raises(OutputError, match="No space left"):
        log.write(prediction_of(SPEC, (0.7, 0.2, 0.1)))
    log.close()


def test_no_stdout_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `>&-` leaves of it."""
    monkeypatch.setattr(sys, "stdout", None)

    with pytest.raises(OutputError, match="cannot write --output -"):
        PredictionLog("-", SPEC)
