"""Results stay on stdout however much is said on stderr."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.main import get_command

from rtaction.cli.app import app
from rtaction.cli.terminal import is_quiet, progress, say
from tests.conftest import Here
from tests.realtime.conftest import rtaction

COMMANDS = sorted(get_command(app).commands)  # type: ignore[attr-defined]
CAM = ("cam", "clip.mkv", "--model", "tiny.onnx", "--headless")


@pytest.fixture(autouse=True)
def _level_of_before() -> None:
    logging.getLogger("rtaction").setLevel(logging.NOTSET)


@pytest.fixture
def folder(
    indexed_video: Callable[..., Path], tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A video of two seconds, and a model."""
    monkeypatch.chdir(tiny_model.parent)
    indexed_video(np.arange(50) / 25, "clip.mkv")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_can_be_quiet_and_verbose(command: str) -> None:
    parameters = get_command(app).commands[command].params  # type: ignore[attr-defined]
    names = [name for one in parameters for name in one.opts]
    wanted = ["--verbose", "-v", "--quiet", "-q"]
    assert [name for name in names if name in wanted] == wanted


@pytest.mark.usefixtures("folder")
def test_results_are_the_same_and_notes_are_not(
    here: Here, caplog: pytest.LogCaptureFixture
) -> None:
    usual, quiet, verbose = here(*CAM), here(*CAM, "--quiet"), here("--verbose", *CAM)

    assert usual[:2] == quiet[:2] == verbose[:2]
    assert "dark" in usual[1]
    assert "running on CPU" in usual[2]
    assert quiet[2] == ""
    assert "running on CPU" in verbose[2]
    told = [one.message for one in caplog.records if one.levelno == logging.DEBUG]
    assert any(one.startswith("onnxruntime ") and "opened on CPU" in one for one in told)
    assert "clip.mkv: ffv1, 8x8, declares" in caplog.text


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("arguments", [("-q", *CAM), (*CAM, "-q")])
def test_quiet_before_or_after_the_command(arguments: tuple[str, ...], here: Here) -> None:
    assert here(*arguments)[2] == ""


def test_quiet_lasts_for_one_command(here: Here) -> None:
    assert here("inspect", "none.onnx", "-q")[0] == 3
    assert is_quiet()
    here("inspect", "none.onnx")
    assert not is_quiet()


def test_errors_are_told_even_quietly(here: Here) -> None:
    usual = here("inspect", "none.onnx")
    assert usual[2].startswith("error: there is no model file none.onnx")
    assert here("inspect", "none.onnx", "-q") == usual


@pytest.mark.parametrize("arguments", [("-q", "inspect", "x", "-v"), ("inspect", "x", "-q", "-v")])
def test_the_last_word_counts_unless_both_stand_together(
    arguments: tuple[str, ...], here: Here
) -> None:
    exit_code, _, stderr = here(*arguments)
    expected = 2 if arguments[0] == "inspect" else 3
    assert exit_code == expected
    assert ("contradict" in stderr) == (expected == 2)


def test_warnings_are_left_out_when_quiet(caplog: pytest.LogCaptureFixture, here: Here) -> None:
    here("inspect", "none.onnx", "-q")
    logging.getLogger("rtaction.video.file").warning("cut off")
    here("inspect", "none.onnx")
    logging.getLogger("rtaction.video.file").warning("damaged")
    assert [one.message for one in caplog.records] == ["damaged"]


def test_debug_messages_look_like_warnings_and_hold_no_password() -> None:
    ran = rtaction(
        *("cam", "-v", "--source", "rtsp://admin:geheim@127.0.0.1:9/live", "--headless"),
        *("--no-reconnect",),
    )
    lines = ran.stderr.splitlines()
    assert ran.returncode in (6, 8)
    said = "debug: rtsp://127.0.0.1:9/live: opening, as rtsp"
    (opening,) = [line for line in lines if line.endswith(said)]
    # No terminal shows it as it comes, so it says when it came.
    assert re.fullmatch(rf"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z {said}", opening)
    assert lines[-1].startswith("error: ")
    assert "geheim" not in ran.stderr
    assert "admin" not in ran.stderr


def test_notes_and_bars_are_for_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    say("result\x1b[2J")
    say("note", err=True)
    with progress("videos", 3) as step:
        step()
    logging.getLogger("rtaction").setLevel(logging.ERROR)
    say("result")
    say("note", err=True)
    assert capsys.readouterr() == ("result?[2J\nresult\n", "note\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "URL", "-o", "run"),
        ("eval", "URL", "--model", "tiny.onnx"),
        ("inspect", "URL"),
        ("export", "URL"),
        ("cam", "--sources", "URL"),
        ("cam", "--model", "URL"),
        ("bench", "model.onnx", "URL"),
        ("render", "URL", "--count", "URL"),
        ("demo", "--seconds=URL"),
    ],
)
def test_no_error_repeats_the_password_of_a_url(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    url = "rtsp://viewer:swordfish@192.0.2.1/live"
    exit_code, stdout, stderr = here(*(word.replace("URL", url) for word in arguments))
    assert exit_code != 0
    assert stderr
    assert "swordfish" not in stdout + stderr
