"""`rtaction cam` on files, as a person runs it: what it writes, how it ends, what it says."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from rtaction.cli import main
from rtaction.model_spec import ModelSpec
from rtaction.realtime.action_model import ActionModel
from rtaction.realtime.cam import CamConfig, run_cam, with_threshold
from rtaction.video import read_video
from tests.realtime.conftest import (
    BRIGHT,
    DARK,
    WAIT_SECONDS,
    Start,
    assert_one_error,
    command,
    environment,
    frame_times,
    json_lines,
    rtaction,
    without_repeats,
)
from tests.videos import write_video

KEYS = [
    "type",
    "schema_version",
    "source",
    "start_seconds",
    "end_seconds",
    "label",
    "score",
    "shown",
    "top",
    "latency_seconds",
]


Here = Callable[..., tuple[int, str, str]]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Here:
    """Runs the command line in this process; returns exit code, stdout and stderr."""
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["rtaction", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert isinstance(ended.value.code, int)
        return ended.value.code, *capfd.readouterr()

    return run


def test_labels_of_a_file_as_json_lines(halves_video: Path, tiny_model: Path) -> None:
    finished = rtaction(
        "cam", "-m", tiny_model, "-s", halves_video, "--headless", "-o", "-", "--device", "cpu"
    )

    assert finished.returncode == 0, finished.stderr
    lines = json_lines(finished.stdout)
    assert [list(line) for line in lines] == [KEYS] * 13
    assert without_repeats(line["label"] for line in lines) == ["dark", "bright"]
    assert lines[0]["score"] == pytest.approx(1 - DARK / 255, abs=0.02)
    assert lines[-1]["score"] == pytest.approx(BRIGHT / 255, abs=0.02)
    ends = [line["end_seconds"] for line in lines]
    assert ends == pytest.approx([1.0 + 0.25 * number for number in range(13)], abs=0.041)
    assert {line["source"] for line in lines} == {str(halves_video)}
    said = finished.stderr.splitlines()
    assert said[0] == "running on CPU"
    assert [line.split()[2] for line in said[1:3]] == ["dark", "bright"]
    assert re.fullmatch(r"100 frames in [\d.]+ s, 13 predictions, 0 frames dropped", said[3])


def test_the_timeline_of_a_file(halves_video: Path, tiny_model: Path) -> None:
    finished = rtaction("cam", "-m", tiny_model, "-s", halves_video, "--headless")

    assert finished.returncode == 0, finished.stderr
    rows = [line.split() for line in finished.stdout.splitlines()]
    assert [row[4] for row in rows] == ["dark", "bright"]
    assert float(rows[0][0]) == 0.0
    assert rows[0][2] == rows[1][0]
    assert float(rows[1][0]) == pytest.approx(2.0, abs=0.3)
    assert float(rows[1][2]) == pytest.approx(3.96, abs=0.01)


def test_options_reach_the_run(halves_video: Path, tiny_model: Path, tmp_path: Path) -> None:
    log = tmp_path / "new" / "log.jsonl"
    options = ["--stride-seconds", "1", "--top-k", "1", "--threshold", "0.95", "-o", str(log)]

    finished = rtaction("cam", "-m", tiny_model, "-s", halves_video, "--headless", *options)

    assert finished.returncode == 0, finished.stderr
    lines = json_lines(log.read_text(encoding="utf-8"))
    assert [line["label"] for line in lines] == ["dark", "dark", "bright", "bright"]
    assert {line["shown"] for line in lines} == {False}
    assert {len(line["top"]) for line in lines} == {1}
    assert [line.split()[4] for line in finished.stdout.splitlines()] == ["-"]


def test_a_file_twice_gives_the_same_lines(halves_video: Path, tiny_model: Path) -> None:
    arguments = ("cam", "-m", tiny_model, "-s", halves_video, "--headless", "-o", "-")
    runs = [json_lines(rtaction(*arguments).stdout) for _ in range(2)]

    for line in runs[0] + runs[1]:
        assert line.pop("latency_seconds") >= 0
    assert runs[0] == runs[1]
    assert len(runs[0]) == 13


@pytest.mark.parametrize("suffix", [".avi", ".webm", ".mkv"])
def test_the_saved_video_plays(
    halves_video: Path, tiny_model: Path, tmp_path: Path, suffix: str
) -> None:
    saved = tmp_path / "new" / f"saved{suffix}"

    finished = rtaction("cam", "-m", tiny_model, "-s", halves_video, "--headless", "--save", saved)

    assert finished.returncode == 0, finished.stderr
    assert finished.stderr.splitlines()[-1] == f"saved {saved}"
    times = frame_times(saved)
    assert len(times) == pytest.approx(100, abs=2)
    assert times[-1] == pytest.approx(3.96, abs=0.05)
    images = [frame.image for frame in read_video(saved)]
    assert len(images) == len(times)
    # The middle is free of text: dark for two seconds, then bright.
    brightness = np.array([image[150:440].mean() for image in images])
    first_bright = int(np.argmax(brightness > 128))
    assert times[first_bright] == pytest.approx(2.0, abs=0.09)
    assert brightness[:first_bright] == pytest.approx(DARK, abs=8)
    assert brightness[first_bright:] == pytest.approx(BRIGHT, abs=8)


def test_a_saved_video_keeps_the_time_of_a_variable_rate(tmp_path: Path, tiny_model: Path) -> None:
    times = np.concatenate([np.arange(30) / 30, 1.0 + np.arange(21) / 10])
    images = [np.full((48, 64, 3), 5 * n, np.uint8) for n in range(len(times))]
    video = write_video(tmp_path / "variable.mkv", images, times)
    saved = tmp_path / "saved.avi"

    finished = rtaction("cam", "-m", tiny_model, "-s", video, "--headless", "--save", saved)

    assert finished.returncode == 0, finished.stderr
    written = frame_times(saved)
    assert written[-1] == pytest.approx(3.0, abs=0.1)
    assert max(after - before for before, after in pairwise(written)) < 0.15


def test_run_cam_tells_what_it_did(halves_video: Path, tiny_model: Path) -> None:
    told: list[tuple[float, str | None, float]] = []
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)

    summary = run_cam(
        ActionModel(tiny_model, device="cpu"),
        CamConfig(source=str(halves_video), show=False),
        on_label=lambda *label: told.append(label),
    )

    assert [label for _, label, _ in told] == ["dark", "bright"]
    assert told[0][0] == pytest.approx(1.0)
    assert told[1][0] == pytest.approx(2.5, abs=0.3)
    assert (summary.num_frames, summary.num_predictions, summary.num_frames_dropped) == (100, 13, 0)
    assert len(summary.predictions) == 13
    assert summary.source_seconds == pytest.approx(3.96)
    assert not summary.stopped_by_person
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers


def test_with_threshold(tiny_spec: ModelSpec) -> None:
    assert with_threshold(tiny_spec, None) is tiny_spec
    raised = with_threshold(tiny_spec, 0.9)
    assert [raised.threshold_of(label) for label in raised.labels] == [0.9, 0.9]


def running_in_mid_file(
    start: Start, model: Path, video: Path, saved: Path
) -> subprocess.Popen[str]:
    """A run that has told of 2.8 s at least, and whose full pipe keeps it from reaching the end."""
    options = ["--headless", "-o", "-", "--stride-seconds", "0.04", "--save", str(saved)]
    process = start(*command("cam", "-m", model, "-s", video, *options))
    assert process.stdout is not None
    for _ in range(45):
        assert process.stdout.readline().startswith('{"type": "prediction"')
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("suffix", [".avi", ".webm"])
def test_a_signal_ends_a_run_in_order(
    start: Start,
    tiny_model: Path,
    long_video: Path,
    tmp_path: Path,
    number: signal.Signals,
    suffix: str,
) -> None:
    saved = tmp_path / f"saved{suffix}"
    process = running_in_mid_file(start, tiny_model, long_video, saved)

    process.send_signal(number)
    _, stderr = process.communicate(timeout=WAIT_SECONDS)

    assert process.returncode == 0, stderr
    assert "Traceback" not in stderr
    found = re.search(r"^(\d+) frames in", stderr, re.MULTILINE)
    assert found is not None
    num_frames = int(found.group(1))
    assert 70 <= num_frames < 1500
    times = frame_times(saved)
    assert len(times) == pytest.approx(num_frames, abs=2)
    assert times[-1] == pytest.approx((num_frames - 1) / 25, abs=0.05)


def test_a_killed_run_leaves_a_video_that_plays(
    start: Start, tiny_model: Path, long_video: Path, tmp_path: Path
) -> None:
    saved = tmp_path / "saved.avi"
    process = running_in_mid_file(start, tiny_model, long_video, saved)

    process.kill()
    process.communicate(timeout=WAIT_SECONDS)

    assert process.returncode == -signal.SIGKILL
    times = frame_times(saved)
    # 70 frames were seen at least; the last ones may still have been in a buffer.
    assert len(times) >= 60
    assert times == pytest.approx([n / 25 for n in range(len(times))], abs=0.05)


def test_a_reader_that_leaves_ends_the_run(
    start: Start, tiny_model: Path, long_video: Path, tmp_path: Path
) -> None:
    saved = tmp_path / "saved.avi"
    process = running_in_mid_file(start, tiny_model, long_video, saved)
    assert process.stdout is not None
    assert process.stderr is not None

    process.stdout.close()
    stderr = process.stderr.read()

    assert process.wait(WAIT_SECONDS) == 0, stderr
    for word in ("Traceback", "BrokenPipe", "Exception ignored", "error:"):
        assert word not in stderr
    assert 70 <= len(frame_times(saved)) < 1500


@pytest.mark.parametrize(
    ("arguments", "expected_exit_code", "expected_words"),
    [
        ("-s nosuch.mp4", 6, "there is no such file"),
        ("-s .", 6, "is no file"),
        ("-s 97", 6, "there is no webcam 97"),
        ("-s ftp://u:s3cret@127.0.0.1/x", 2, "expected one of rtsp://"),
        ("-s http://u:s3cret@127.0.0.1:9/x", 6, "http://127.0.0.1:9/x cannot be opened"),
        ("-s tiny.onnx", 7, "cannot be read as a video"),
        ("-s empty.mp4", 7, "cannot be read as a video"),
        ("-m nosuch.onnx", 3, "there is no model file"),
        ("-m halves.mp4", 4, "is no ONNX model"),
        ("-m empty.mp4", 4, "is no ONNX model"),
        ("-m .", 4, "cannot read the model"),
        ("-m foreign.onnx", 5, "carries no rtaction contract"),
        ("--save saved.mp4", 11, "expected a name that ends in .avi"),
        ("--save saved", 11, "no suffix"),
        ("--save tiny.onnx/saved.avi", 11, "cannot make the folder"),
        ("--save folder.avi", 11, "cannot write the video"),
        ("-o tiny.onnx/log.jsonl", 11, "cannot write --output"),
        ("-o .", 11, "cannot write --output"),
        ("-o /dev/full", 11, "cannot write --output"),
        ("--show", 10, "no window can be opened here"),
        ("--device quantum", 2, "--device must be"),
    ],
)
def test_what_a_person_can_cause_ends_in_one_sentence(
    halves_video: Path,
    tiny_model: Path,
    monkeypatch: pytest.MonkeyPatch,
    here: Here,
    arguments: str,
    expected_exit_code: int,
    expected_words: str,
) -> None:
    folder = halves_video.parent
    monkeypatch.chdir(folder)
    (folder / "empty.mp4").touch()
    (folder / "folder.avi").mkdir()
    foreign = tiny_model.read_bytes().replace(b"rtaction.model_spec", b"x" * 19)
    (folder / "foreign.onnx").write_bytes(foreign)
    usual = {"-m": "tiny.onnx", "-s": "halves.mp4"}
    given = arguments.split()
    rest = [
        word for option, value in usual.items() if option not in given for word in (option, value)
    ]
    if "--show" not in given:
        rest.append("--headless")

    exit_code, stdout, stderr = here("cam", *given, *rest)

    error = assert_one_error(exit_code, stderr, expected_exit_code)
    assert expected_words in error
    assert "s3cret" not in stderr + stdout


@pytest.mark.parametrize(
    "arguments",
    [
        "--top-k 0",
        "--top-k x",
        "--threshold 1.5",
        "--threshold nan",
        "--stride-seconds 0",
        "--stride-seconds inf",
        "--what",
    ],
)
def test_an_option_that_cannot_be_meant(
    halves_video: Path, tiny_model: Path, here: Here, arguments: str
) -> None:
    options = ["-m", str(tiny_model), "-s", str(halves_video), "--headless", *arguments.split()]

    exit_code, _, stderr = here("cam", *options)

    assert exit_code == 2
    assert arguments.split()[0] in stderr


@pytest.mark.parametrize(
    "arguments",
    ["-m copy.onnx -o copy.onnx", "-m copy.onnx -o ./copy.onnx", "--save a.avi -o a.avi"],
)
def test_nothing_else_is_overwritten(
    halves_video: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, arguments: str
) -> None:
    monkeypatch.chdir(tiny_model.parent)
    shutil.copy(tiny_model, "copy.onnx")
    model: list[str | Path] = [] if "-m" in arguments else ["-m", tiny_model]

    finished = rtaction("cam", *model, "-s", halves_video, "--headless", *arguments.split())

    assert Path("copy.onnx").read_bytes() == tiny_model.read_bytes()
    assert_one_error(finished.returncode, finished.stderr, 2)


def test_the_source_is_never_overwritten(
    halves_video: Path, tiny_model: Path, tmp_path: Path
) -> None:
    source = tmp_path / "source.avi"
    made = rtaction("cam", "-m", tiny_model, "-s", halves_video, "--headless", "--save", source)
    assert made.returncode == 0, made.stderr
    before = source.read_bytes()

    finished = rtaction("cam", "-m", tiny_model, "-s", source, "--headless", "--save", source)

    assert source.read_bytes() == before
    assert finished.returncode in (2, 11)
    assert_one_error(finished.returncode, finished.stderr, finished.returncode)


@pytest.mark.parametrize("option", ["-s", "--save"])
def test_a_file_name_that_is_no_text(
    halves_video: Path, tiny_model: Path, tmp_path: Path, option: str
) -> None:
    """Linux allows any bytes in a name; Python carries those that are no UTF-8 as surrogates."""
    name = tmp_path / "caf\udce9.avi"
    if option == "-s":
        shutil.copy(halves_video, name)
    source = name if option == "-s" else halves_video
    rest: list[str | Path] = [] if option == "-s" else ["--save", name]

    finished = rtaction("cam", "-m", tiny_model, "-s", source, "--headless", "-o", "-", *rest)

    assert finished.returncode >= 0, f"killed by signal {-finished.returncode}"
    assert "Traceback" not in finished.stderr


def test_a_console_without_unicode_gets_json(
    halves_video: Path, tiny_model: Path, tmp_path: Path
) -> None:
    source = tmp_path / "vídeo.mp4"
    shutil.copy(halves_video, source)

    finished = rtaction(
        *("cam", "-m", tiny_model, "-s", source, "--headless", "-o", "-"),
        env=environment(PYTHONIOENCODING="ascii"),
    )

    assert finished.returncode == 0, finished.stderr
    assert json_lines(finished.stdout)[0]["source"] == str(source)
