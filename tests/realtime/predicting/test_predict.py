"""`rtaction predict` on videos made on the spot."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rtaction.model_spec import ModelSpec
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.predicting.options import PredictOptions
from rtaction.realtime.predicting.work import judge
from tests.conftest import Here
from tests.person_model import write_person_model
from tests.tiny_model import write_tiny_model
from tests.videos import write_flat_video, write_video

DARK, BRIGHT = 20, 235


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """A bright video, a dark one, a short one and a broken one, at different depths."""
    folder = tmp_path / "videos"
    write_flat_video(folder / "a.mp4", value=BRIGHT, seconds=3.0)
    write_flat_video(folder / "deep" / "er" / "b.mp4", value=DARK, seconds=2.0)
    write_flat_video(folder / "short.mp4", value=BRIGHT, seconds=0.4)
    (folder / "broken.mp4").write_bytes(b"no video")
    return folder


@pytest.fixture
def model(tmp_path: Path, tiny_spec: ModelSpec) -> Path:
    return write_tiny_model(tmp_path / "model.onnx", tiny_spec)


def options_for(**values: object) -> PredictOptions:
    return PredictOptions((Path("a.mp4"),), **values)  # type: ignore[arg-type]


def test_each_video_gets_a_row_and_a_second_run_only_the_new_ones(
    here: Here, tmp_path: Path, videos: Path, model: Path
) -> None:
    output = tmp_path / "out.csv"
    code, out, errors = here("predict", model, videos, "-o", output, "--processes", "2")
    assert code == 0, errors
    assert out == f"{output}\n"
    assert "3 videos judged, 1 of them shorter than a window, 1 could not be" in errors
    with output.open() as file:
        rows = {Path(row["video"]).name: row for row in csv.DictReader(file)}
    assert list(rows) == ["a.mp4", "broken.mp4", "b.mp4", "short.mp4"]
    assert rows["a.mp4"]["label"] == "bright"
    assert float(rows["a.mp4"]["score"]) == pytest.approx(BRIGHT / 255, abs=0.02)
    assert rows["a.mp4"]["events"].startswith("bright 0.")
    assert rows["b.mp4"]["label"] == "dark"
    assert rows["short.mp4"]["label"] == "bright"
    assert [rows[name]["is_short"] for name in ("a.mp4", "short.mp4")] == ["", "yes"]
    assert rows["broken.mp4"]["label"] == ""
    assert "cannot be read as a video" in rows["broken.mp4"]["problem"]

    before = output.read_text()
    write_flat_video(videos / "later.mp4", value=DARK, seconds=2.0)
    code, _, errors = here("predict", model, videos, "-o", output)
    assert code == 0, errors
    assert "1 video judged, 4 had been before" in errors
    assert output.read_text().startswith(before)
    assert output.read_text().count("\n") == before.count("\n") + 1

    code, _, errors = here("predict", model, videos, "-o", output, "--stride-seconds", "0.5")
    assert code == 2
    assert "another model, or by other settings" in errors


def test_subtitles_lie_as_the_videos_do(
    here: Here, tmp_path: Path, videos: Path, model: Path
) -> None:
    output = tmp_path / "subs"
    code, _, errors = here("predict", model, videos, "-o", output, "--format", "vtt")
    assert code == 0, errors
    found = sorted(str(path.relative_to(output)) for path in output.rglob("*.vtt"))
    assert found == ["a.mp4.vtt", "broken.mp4.vtt", "deep/er/b.mp4.vtt", "short.mp4.vtt"]
    assert "bright 0.9" in (output / "a.mp4.vtt").read_text()

    (output / "a.mp4.vtt").write_text("WEBVTT\n\ncorrected by hand\n")
    code, _, errors = here("predict", model, videos, "-o", output, "--format", "vtt")
    assert code == 2
    assert "a.mp4.vtt is there, but not from this model with these settings" in errors
    assert "by hand" in (output / "a.mp4.vtt").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nowhere"], 6, "nowhere: no such video or folder"),
        (["rtsp://me:secret@camera/1"], 6, "rtsp://camera/1 is no file; "),
        (["videos", "-o", "out.txt"], 2, "cannot tell the format from its name"),
        (["videos/broken.mp4", "-o", "out.csv"], 12, "none of 1 video could be judged"),
        (["videos", "-o", "videos", "--format", "csv"], 2, "is a folder; expected a file"),
        (["videos", "-o", "videos/a.mp4", "--format", "vtt"], 2, "is a file"),
        (["videos", "-o", "videos/a.mp4", "--format", "csv"], 2, "would overwrite a video"),
        (["empty"], 12, "no video in empty"),
        (["videos", "videos/deep/er", "videos/deep", "-o", "x", "--format", "eaf"], 0, ""),
        (["videos", "other", "-o", "x", "--format", "eaf"], 2, "would both be written to"),
    ],
)
def test_mistakes_are_told(
    here: Here,
    tmp_path: Path,
    videos: Path,
    model: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    (tmp_path / "empty").mkdir()
    write_flat_video(tmp_path / "other" / "a.mp4", value=DARK, seconds=2.0)
    monkeypatch.chdir(tmp_path)
    found, _, errors = here("predict", model, *arguments, "--processes", "1")
    assert found == code, errors
    assert message in errors


def test_a_killed_run_is_continued(tmp_path: Path, model: Path, here: Here) -> None:
    """Nothing is lost or doubled, and no process goes on alone."""
    for number in range(30):
        write_flat_video(tmp_path / "v" / f"{number:02}.mp4", value=BRIGHT, seconds=2.0)
    output = tmp_path / "out.jsonl"
    command = [sys.executable, "-m", "rtaction", "predict", model, tmp_path / "v", "-o", output]
    with subprocess.Popen([*map(str, command), "--processes", "2"], process_group=0) as process:
        deadline = time.monotonic() + 120
        while not output.exists() or output.read_bytes().count(b"\n") < 3:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.kill()
    while True:  # the children notice
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            break
        assert time.monotonic() < deadline
        time.sleep(0.05)
    code, _, errors = here("predict", model, tmp_path / "v", "-o", output)
    assert code == 0, errors
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    assert sorted(Path(row["video"]).name for row in rows) == [f"{n:02}.mp4" for n in range(30)]


def test_ctrl_c_keeps_what_was_judged(tmp_path: Path, model: Path) -> None:
    video = write_flat_video(tmp_path / "v" / "000.mp4", value=BRIGHT, seconds=2.0)
    for number in range(1, 400):
        video.with_name(f"{number:03}.mp4").hardlink_to(video)
    output = tmp_path / "out.jsonl"
    command = [sys.executable, "-m", "rtaction", "predict", model, tmp_path / "v", "-o", output]
    with subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 120
        while not output.exists() or output.read_bytes().count(b"\n") < 2:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert 2 <= len(output.read_text().splitlines()) < 400


def test_a_model_of_whole_videos_answers_once(tmp_path: Path, tiny_spec: ModelSpec) -> None:
    """Dark for two thirds, then bright: on average of 5 frames, dark."""
    spec = replace(tiny_spec, sampling="spread", threshold=0.5)
    model = ActionModel(write_tiny_model(tmp_path / "m.onnx", spec), device="cpu")
    values = [DARK] * 40 + [BRIGHT] * 20
    images = [np.full((48, 64, 3), value, np.uint8) for value in values]
    path = write_video(tmp_path / "a.mp4", images, np.arange(60) / 10)

    whole = judge(model, path, options_for())
    assert whole.label == "dark"
    assert whole.score == pytest.approx(1 - (3 * DARK + 2 * BRIGHT) / 5 / 255, abs=0.02)
    assert [(one.label, one.start_seconds, one.end_seconds) for one in whole.spans] == [
        ("dark", 0.0, 5.9)
    ]
    windows = judge(model, path, options_for(windows=True))
    assert [one.label for one in windows.spans] == ["dark", "bright"]
    assert windows.spans[1].start_seconds == pytest.approx(4.0, abs=0.6)

    two = write_video(tmp_path / "b.mp4", images[39:41], [0.0, 0.1])
    short = judge(model, two, options_for())
    assert short.is_short
    # The first frame serves for the moments up to the middle.
    assert dict(short.scores)["bright"] == pytest.approx(
        (3 * DARK + 2 * BRIGHT) / 5 / 255, abs=0.02
    )


def test_a_model_of_segments_and_stacks_answers_once_or_by_windows(
    here: Here, tmp_path: Path, tiny_spec: ModelSpec
) -> None:
    """Of four segments, the first is dark and three are bright; nothing moves."""
    spec = replace(
        tiny_spec,
        frames_per_clip=4,
        clip_seconds=3.0,
        modality="rgb+flow_stack",
        sampling="segments",
        threshold=0.5,
    )
    path = write_tiny_model(tmp_path / "m.onnx", spec)
    model = ActionModel(path, device="cpu")
    values = [DARK] * 30 + [BRIGHT] * 90
    images = [np.full((48, 64, 3), value, np.uint8) for value in values]
    video = write_video(tmp_path / "v" / "bright" / "a.mp4", images, np.arange(120) / 30)
    # Three channels of colour, and ten of flow, which are 127 where nothing moves.
    colour = (DARK + 3 * BRIGHT) / 4
    expected = (3 * colour + 10 * 127) / 13 / 255

    whole = judge(model, video, options_for())
    assert whole.label == "bright"
    assert dict(whole.scores)["bright"] == pytest.approx(expected, abs=0.01)

    for arguments, said in (
        ([], "each video was judged once, as a whole"),
        (["--windows"], "its windows span 3 s"),
    ):
        code, out, errors = here("eval", path, tmp_path / "v", "--device", "cpu", *arguments)
        assert code == 0, errors
        assert said in out
    code, out, errors = here(
        *("cam", video, "--model", path, "--device", "cpu"),
        *("--headless", "--windows", "--output", "-"),
    )
    assert code == 0, errors
    lines = [json.loads(line) for line in out.splitlines()]
    windows = [line for line in lines if line["type"] == "prediction"]
    assert [one["start_seconds"] for one in windows] == [0.0]
    assert windows[0]["end_seconds"] == pytest.approx(3.4, abs=0.02)
    assert windows[0]["score"] == pytest.approx(expected, abs=0.01)


def test_a_short_video_is_judged_by_what_there_is(tmp_path: Path, tiny_spec: ModelSpec) -> None:
    """Its last frame stands for what is missing."""
    model = ActionModel(write_tiny_model(tmp_path / "m.onnx", tiny_spec), device="cpu")
    images = [np.full((48, 64, 3), value, np.uint8) for value in [DARK] * 3 + [BRIGHT]]
    path = write_video(tmp_path / "b.mp4", images[1:], [0.0, 0.25, 0.5])
    short = judge(model, path, options_for())
    assert short.is_short
    assert short.duration_seconds == pytest.approx(0.75)
    # At 0, .25, .5, .75 and 1 s.
    expected = (2 * DARK + 3 * BRIGHT) / 5 / 255
    assert dict(short.scores)["bright"] == pytest.approx(expected, abs=0.02)
    assert [one.label for one in short.spans] == ["bright"]


def test_a_short_video_of_nobody(tmp_path: Path) -> None:
    model = ActionModel(write_person_model(tmp_path / "m.onnx"), device="cpu")
    path = write_flat_video(tmp_path / "a.mp4", value=90, seconds=0.2)
    assert judge(model, path, options_for()).problem == "nobody is seen in it"
