"""`rtaction cam` on files, as a person runs it: what it writes, how it ends, what it says."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtaction.errors import SourceUnreadable
from rtaction.model_spec import ModelSpec
from rtaction.realtime.actions.detector import ActionEvent
from rtaction.realtime.cam import CamSummary, run_cam, with_threshold
from rtaction.realtime.cam_config import CamConfig
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.watching.moment import StateChange
from rtaction.realtime.watching.stats import WatchStats
from rtaction.video.file import read_video
from tests.conftest import Here
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
from tests.realtime.model.test_action_model import with_scores_of
from tests.videos import write_flat_video, write_video

KEYS = {
    "prediction": [
        "type",
        "schema_version",
        "source",
        "time",
        "start_seconds",
        "end_seconds",
        "label",
        "score",
        "shown",
        "top",
        "latency_seconds",
        "frame_age_seconds",
    ],
    "event": [
        "type",
        "schema_version",
        "source",
        "time",
        "phase",
        "number",
        "label",
        "start_seconds",
        "end_seconds",
        "peak_score",
    ],
    "summary": [
        "type",
        "schema_version",
        "time",
        "elapsed_seconds",
        "memory_bytes",
        "threads",
        "sources",
    ],
}


def of_type(lines: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["type"] == kind]


def test_labels_of_a_file_as_json_lines(halves_video: Path, tiny_model: Path) -> None:
    finished = rtaction(
        "cam", "-m", tiny_model, "-s", halves_video, "--headless", "-o", "-", "--device", "cpu"
    )

    assert finished.returncode == 0, finished.stderr
    lines = json_lines(finished.stdout)
    assert all(list(line) == KEYS[line["type"]] for line in lines)
    assert {line["schema_version"] for line in lines} == {2}
    predictions = of_type(lines, "prediction")
    assert len(predictions) == 13
    assert without_repeats(line["label"] for line in predictions) == ["dark", "bright"]
    assert predictions[0]["score"] == pytest.approx(1 - DARK / 255, abs=0.02)
    assert predictions[-1]["score"] == pytest.approx(BRIGHT / 255, abs=0.02)
    ends = [line["end_seconds"] for line in predictions]
    assert ends == pytest.approx([1.0 + 0.25 * number for number in range(13)], abs=0.041)
    assert {line["source"] for line in predictions} == {str(halves_video)}
    # What a film shows happened at no wall-clock time.
    assert {line["time"] for line in lines if line["type"] != "summary"} == {None}


def test_actions_of_a_file_as_json_lines(halves_video: Path, tiny_model: Path) -> None:
    finished = rtaction("cam", "-m", tiny_model, "-s", halves_video, "--headless", "-o", "-")

    assert finished.returncode == 0, finished.stderr
    lines = json_lines(finished.stdout)
    events = of_type(lines, "event")
    assert [(line["phase"], line["number"], line["label"]) for line in events] == [
        ("start", 1, "dark"),
        ("end", 1, "dark"),
        ("start", 2, "bright"),
        ("end", 2, "bright"),
    ]
    for start, end in (events[:2], events[2:]):
        assert start["end_seconds"] is None
        assert end["start_seconds"] == start["start_seconds"] < end["end_seconds"]
        assert end["peak_score"] >= start["peak_score"] > 0.5
    assert events[0]["start_seconds"] == pytest.approx(0.5, abs=0.05)
    assert events[2]["start_seconds"] == pytest.approx(2.0, abs=0.3)
    (summary,) = of_type(lines, "summary")
    assert lines[-1] == summary
    (figures,) = summary["sources"].values()
    assert (figures["frames"], figures["predictions"], figures["events"]) == (100, 13, 2)
    assert figures["drops"] == {}


FIGURES = (
    r"{name}: {frames} frames \([\d.]+/s\); {predictions} predictions \([\d.]+/s\); "
    r"computing \d+/\d+/\d+ ms \(p50/p95/p99\)"
)


def test_what_is_said_of_a_file(halves_video: Path, tiny_model: Path) -> None:
    finished = rtaction(
        "cam", "-m", tiny_model, "-s", halves_video, "--headless", "--device", "cpu"
    )

    said = [
        re.sub(r"^\d{4}-\d\d-\d\dT[\d:.]+Z ", "", line) for line in finished.stderr.splitlines()
    ]
    assert said[0] == "running on CPU"
    name = str(halves_video)
    for line, label in ((said[1], "dark"), (said[3], "bright")):
        assert re.fullmatch(rf" +\d\.\d\d s  {label} 0\.\d\d  \({re.escape(name)}\)", line)
    for line, label in ((said[2], "dark"), (said[4], "bright")):
        pattern = rf" +\d\.\d\d s  {label} ended after \d\.\d s  \({re.escape(name)}\)"
        assert re.fullmatch(pattern, line)
    assert said[1].startswith("    0.50 s  dark 0.9")
    assert float(said[3].split()[0]) == pytest.approx(2.0, abs=0.3)
    assert re.fullmatch(FIGURES.format(name=re.escape(name), frames=100, predictions=13), said[5])
    assert re.fullmatch(r"\d+\.\d s, \d+ MB of memory", said[6])
    assert len(said) == 7


def test_several_sources(halves_video: Path, tiny_model: Path, tmp_path: Path) -> None:
    flat = write_flat_video(tmp_path / "flat.mp4", value=BRIGHT, seconds=2.0)
    saved = tmp_path / "saved.avi"
    options = ["--headless", "-o", "-", "--save", str(saved)]

    finished = rtaction("cam", "-m", tiny_model, "-s", flat, "-s", halves_video, *options)

    assert finished.returncode == 0, finished.stderr
    lines = json_lines(finished.stdout)
    sources = [line["source"] for line in of_type(lines, "prediction")]
    assert sources == [str(flat)] * 5 + [str(halves_video)] * 13
    said = finished.stderr.splitlines()
    for path, frames, predictions in ((flat, 50, 5), (halves_video, 100, 13)):
        pattern = FIGURES.format(name=re.escape(str(path)), frames=frames, predictions=predictions)
        assert len([line for line in said if re.fullmatch(pattern, line)]) == 1
    begun = [line for line in said if re.search(r"s  (dark|bright) 0\.\d\d  \(", line)]
    assert [line.split()[3] for line in begun] == ["bright", "dark", "bright"]
    assert [line.split("(")[1].rstrip(")") for line in begun] == [
        *(str(flat), str(halves_video), str(halves_video))
    ]
    assert len(frame_times(saved)) == pytest.approx(150, abs=3)
    # A timeline is that of one file.
    assert of_type(lines, "summary")[0]["sources"].keys() == {str(flat), str(halves_video)}


def test_a_folder_of_videos(halves_video: Path, tiny_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    for name in ("clip10.mp4", "clip2.mp4"):
        shutil.copy(halves_video, folder / name)

    finished = rtaction("cam", "-m", tiny_model, "-s", folder, "--headless", "-o", "-")

    assert finished.returncode == 0, finished.stderr
    sources = [line["source"] for line in json_lines(finished.stdout) if "source" in line]
    names = [str(folder / name) for name in ("clip2.mp4", "clip10.mp4")]
    assert without_repeats(sources) == names


def test_a_file_of_cameras(halves_video: Path, tiny_model: Path, tmp_path: Path) -> None:
    """Names, views and rules come from it."""
    cameras = tmp_path / "cameras.toml"
    cameras.write_text(
        "[actions.labels.dark]\nenter = 0.99\n"
        f"[[camera]]\nname = 'hall'\nsource = '{halves_video}'\n",
        encoding="utf-8",
    )

    finished = rtaction("cam", "-m", tiny_model, "--sources", cameras, "--headless", "-o", "-")

    assert finished.returncode == 0, finished.stderr
    lines = json_lines(finished.stdout)
    assert {line["source"] for line in of_type(lines, "prediction")} == {"hall"}
    assert [line["label"] for line in of_type(lines, "event")] == ["bright", "bright"]
    assert "(hall)" in finished.stderr


def test_a_source_that_the_file_of_cameras_names_too(
    halves_video: Path, tiny_model: Path, tmp_path: Path
) -> None:
    cameras = tmp_path / "cameras.toml"
    cameras.write_text(f"[[camera]]\nsource = '{halves_video}'\n", encoding="utf-8")

    finished = rtaction(
        *("cam", "-m", tiny_model, "--sources", cameras, "-s", halves_video, "--headless")
    )

    error = assert_one_error(finished.returncode, finished.stderr, 2)
    assert "is already in" in error


def test_a_clip_of_each_action(halves_video: Path, tiny_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "clips"

    finished = rtaction(
        "cam", "-m", tiny_model, "-s", halves_video, "--headless", "--clip-events", folder
    )

    assert finished.returncode == 0, finished.stderr
    clips = sorted(folder.iterdir(), key=lambda path: path.stem.rsplit("_", 1)[1])
    assert [path.stem.split("_")[-2:] for path in clips] == [["dark", "1"], ["bright", "2"]]
    dark, bright = ([frame.image.mean() for frame in read_video(path)] for path in clips)
    # From the film's start, and from 2 s before the second action.
    assert dark[0] == pytest.approx(DARK, abs=8)
    assert bright[-1] == pytest.approx(BRIGHT, abs=8)
    assert len(frame_times(clips[1])) == pytest.approx(100, abs=10)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("--threshold 0.95", []),
        ("--min-seconds 2", []),
        ("--cooldown-seconds 100", ["dark", "bright"]),
        ("--smoothing-seconds 0 --min-seconds 0", ["dark", "bright"]),
        ("--threshold 0.9 --exit-threshold 0.89", ["dark", "bright"]),
    ],
)
def test_rules_on_the_command_line(
    halves_video: Path, tiny_model: Path, here: Here, options: str, expected: list[str]
) -> None:
    exit_code, stdout, stderr = here(
        *("cam", "-m", str(tiny_model), "-s", str(halves_video), "--headless", "-o", "-"),
        *options.split(),
    )

    assert exit_code == 0, stderr
    events = of_type(json_lines(stdout), "event")
    assert [line["label"] for line in events if line["phase"] == "start"] == expected


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
    predictions = of_type(lines, "prediction")
    assert [line["label"] for line in predictions] == ["dark", "dark", "bright", "bright"]
    assert {line["shown"] for line in predictions} == {False}
    assert {len(line["top"]) for line in predictions} == {1}
    assert [line.split()[4] for line in finished.stdout.splitlines()] == ["(no"]


def test_sources_may_stand_without_their_option(
    halves_video: Path, tiny_model: Path, here: Here
) -> None:
    arguments = ("-m", tiny_model, "--headless", "-o", "-", "--device", "cpu")
    names = [
        {line["source"] for line in of_type(json_lines(stdout), "prediction")}
        for _, stdout, _ in (
            here("cam", halves_video, *arguments),
            here("cam", halves_video, "-s", halves_video, *arguments),
        )
    ]
    assert names[0] == {str(halves_video)}
    assert len(names[1]) == 2


def test_a_mirror_is_drawn_and_not_judged(tmp_path: Path, tiny_model: Path, here: Here) -> None:
    image = np.full((480, 640, 3), DARK, np.uint8)
    image[:, 480:] = BRIGHT
    source = write_video(tmp_path / "sides.mp4", [image] * 40, np.arange(40) / 25)
    found = []
    for number, options in enumerate([(), ("--mirror",)]):
        saved = tmp_path / f"saved-{number}.avi"
        code, stdout, _ = here(
            *("cam", source, "-m", tiny_model, "--headless", "-o", "-", "--save", saved, *options)
        )
        assert code == 0
        scores = [line["top"] for line in of_type(json_lines(stdout), "prediction")]
        *_, last = read_video(saved)
        sides = [last.image[300:, :100].mean(), last.image[300:, -100:].mean()]
        found.append((scores, ["bright" if side > 128 else "dark" for side in sides]))

    (scores, sides), (mirrored_scores, mirrored_sides) = found
    assert mirrored_scores == scores != []
    assert sides == ["dark", "bright"]
    assert mirrored_sides == ["bright", "dark"]


@pytest.mark.parametrize(
    ("model", "exit_code", "message"),
    [
        ("https://x/model.onnx", 3, "is a URL; download the model"),
        ("run", 4, "rtaction export run -o model.onnx"),
        ("model.keras", 4, "rtaction export model.keras -o model.onnx"),
    ],
)
def test_models_of_other_kinds_say_the_way(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    here: Here,
    model: str,
    exit_code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("run").mkdir()
    Path("model.keras").touch()
    found, _, stderr = here("cam", "-m", model, "--headless")
    assert message in assert_one_error(found, stderr, exit_code)


def test_a_file_twice_gives_the_same_lines(halves_video: Path, tiny_model: Path) -> None:
    arguments = ("cam", "-m", tiny_model, "-s", halves_video, "--headless", "-o", "-")
    runs = [json_lines(rtaction(*arguments).stdout) for _ in range(2)]

    for lines in runs:
        assert lines.pop()["type"] == "summary"
        for line in of_type(lines, "prediction"):
            assert line.pop("latency_seconds") >= 0
    assert runs[0] == runs[1]
    assert len(runs[0]) == 13 + 4


@pytest.mark.parametrize("suffix", [".avi", ".webm", ".mkv", ".mp4"])
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
    events: list[ActionEvent] = []
    states: list[StateChange] = []
    handlers = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]

    summary = run_cam(
        ActionModel(tiny_model, device="cpu"),
        CamConfig(sources=(str(halves_video),), show=False),
        on_event=events.append,
        on_state=states.append,
    )

    assert [one.label for one in events] == ["dark", "dark", "bright", "bright"]
    assert [one.end_seconds is None for one in events] == [True, False, True, False]
    assert events[0].start_seconds == pytest.approx(0.5)
    assert events[2].start_seconds == pytest.approx(2.0, abs=0.3)
    assert states == []  # of live sources alone
    stats = summary.stats
    assert (stats.total("num_frames"), stats.total("num_predictions")) == (100, 13)
    assert stats.total("num_events") == 2
    assert stats.of(str(halves_video)).last_seconds == pytest.approx(3.96)
    assert len(summary.predictions) == 13
    assert not summary.stopped_by_person
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == handlers


@pytest.mark.parametrize("broken_is_first", [False, True])
def test_a_file_among_others_that_cannot_be_read_is_left_out(
    halves_video: Path,
    tiny_model: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    broken_is_first: bool,
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    sources = (
        (str(broken), str(halves_video)) if broken_is_first else (str(halves_video), str(broken))
    )
    summary = CamSummary(WatchStats())

    run_cam(
        ActionModel(tiny_model, device="cpu"),
        CamConfig(sources=sources, show=False),
        summary=summary,
    )

    assert summary.stats.total("num_frames") == 100
    (told,) = [record.message for record in caplog.records]
    assert told.startswith(f"left out: {broken} cannot be read")
    # Predictions are kept of a single file alone.
    assert summary.predictions == []


def test_files_of_which_none_can_be_read(tiny_model: Path, tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_bytes(b"no video")

    with pytest.raises(SourceUnreadable, match=r"b\.mp4"):
        run_cam(
            ActionModel(tiny_model, device="cpu"), CamConfig(sources=(str(tmp_path),), show=False)
        )


@pytest.mark.parametrize("num_cameras", [1, 3])
def test_scores_that_are_none_end_the_run(
    halves_video: Path, tiny_model: Path, tmp_path: Path, here: Here, num_cameras: int
) -> None:
    odd = with_scores_of(tiny_model, [float("nan"), 1.0], tmp_path / "odd.onnx")
    videos = [shutil.copy(halves_video, tmp_path / f"{n}.mkv") for n in range(num_cameras)]
    sources = [word for video in videos for word in ("-s", str(video))]

    exit_code, stdout, stderr = here(
        "cam", "-m", str(odd), "--device", "cpu", *sources, "--headless", "--output", "-"
    )

    error = assert_one_error(exit_code, stderr, 19)
    assert "odd.onnx gave scores that are NaN or infinite" in error
    assert not any(line["type"] == "prediction" for line in json_lines(stdout))


def test_the_default_source_is_the_first_webcam(tiny_model: Path, here: Here) -> None:
    if list(Path("/dev").glob("video*")):
        pytest.skip("there is a webcam here")

    exit_code, _, stderr = here("cam", "-m", str(tiny_model), "--headless")

    assert "webcam 0" in assert_one_error(exit_code, stderr, 6)


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
    num_predictions = 0
    while num_predictions < 45:
        num_predictions += json.loads(process.stdout.readline())["type"] == "prediction"
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
    found = re.search(r"long\.mp4: (\d+) frames \(", stderr)
    assert found is not None
    num_frames = int(found.group(1))
    assert 70 <= num_frames < 1500
    times = frame_times(saved)
    assert len(times) == pytest.approx(num_frames, abs=2)
    assert times[-1] == pytest.approx((num_frames - 1) / 25, abs=0.05)


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="no such signal here")
def test_figures_on_demand(
    start: Start, tiny_model: Path, long_video: Path, tmp_path: Path
) -> None:
    process = running_in_mid_file(start, tiny_model, long_video, tmp_path / "saved.avi")
    assert process.stdout is not None

    process.send_signal(signal.SIGUSR1)
    while (line := json.loads(process.stdout.readline()))["type"] != "summary":
        assert line["type"] in ("prediction", "event")
    process.send_signal(signal.SIGTERM)
    stdout, stderr = process.communicate(timeout=WAIT_SECONDS)

    assert process.returncode == 0, stderr
    (figures,) = line["sources"].values()
    assert 45 <= figures["predictions"] < 1500
    assert json_lines(stdout)[-1]["sources"][str(long_video)]["frames"] >= figures["frames"]
    assert re.search(r"so far:\n.*long\.mp4: \d+ frames", stderr)


def test_a_killed_run_leaves_a_video_that_plays(
    start: Start, tiny_model: Path, long_video: Path, tmp_path: Path
) -> None:
    saved = tmp_path / "saved.avi"
    process = running_in_mid_file(start, tiny_model, long_video, saved)

    process.kill()
    process.communicate(timeout=WAIT_SECONDS)

    assert process.returncode == -signal.SIGKILL
    times = frame_times(saved, may_end_cut=True)
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
        ("-s folder.avi", 6, "is not a file"),
        ("-s 97", 6, "there is no webcam 97"),
        ("-s ftp://u:s3cret@127.0.0.1/x", 2, "expected one of rtsp://"),
        ("-s http://u:s3cret@127.0.0.1:9/x", 6, "http://127.0.0.1:9/x: nothing is listening there"),
        ("-s rtsp://u:s3cret@127.0.0.1:9/x", 6, "rtsp://127.0.0.1:9/x: nothing is listening there"),
        ("-s halves.mp4 -s nosuch.mp4", 6, "there is no such file"),
        ("--sources nosuch.toml", 2, "cannot be read"),
        ("--exit-threshold 0.9", 2, "exit"),
        ("--clip-events tiny.onnx", 11, "cannot write event clips"),
        ("-s tiny.onnx", 7, "cannot be read as a video"),
        ("-s empty.mp4", 7, "cannot be read as a video"),
        ("-m nosuch.onnx", 3, "there is no model file"),
        ("-m halves.mp4", 4, "is not an ONNX model"),
        ("-m empty.mp4", 4, "is not an ONNX model"),
        ("-m .", 4, "is not an ONNX file"),
        ("-m foreign.onnx", 5, "has no rtaction contract"),
        ("--save saved.mov", 11, "expected a name that ends in .avi"),
        ("--save saved", 11, "no suffix"),
        ("--save tiny.onnx/saved.avi", 11, "cannot create the folder"),
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
    if "--sources" in given:
        del usual["-s"]
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


def test_the_command_line_goes_before_the_file(
    halves_video: Path, tiny_model: Path, tmp_path: Path
) -> None:
    cameras = tmp_path / "cameras.toml"
    cameras.write_text(
        "[actions]\nenter = 0.99\nsmoothing_seconds = 0.0\n"
        f'[[camera]]\nname = "desk"\nsource = "{halves_video}"\n',
        encoding="utf-8",
    )

    def labels_with(*options: str) -> list[str]:
        finished = rtaction(
            *("cam", "-m", tiny_model, "--sources", cameras, "--headless", "-o", "-"), *options
        )
        assert finished.returncode == 0, finished.stderr
        lines = json_lines(finished.stdout)
        return [one["label"] for one in lines if one.get("phase") == "start"]

    assert labels_with() == []
    assert labels_with("--threshold", "0.6") == ["dark", "bright"]

    cameras.write_text(
        "[actions]\nsmoothing_seconds = 0.0\nlabels.dark = { enter = 0.99 }\n"
        f'[[camera]]\nname = "desk"\nsource = "{halves_video}"\n',
        encoding="utf-8",
    )
    assert labels_with() == ["bright"]
    assert labels_with("--threshold", "0.6") == ["dark", "bright"]


def test_the_cameras_file_is_never_overwritten(
    halves_video: Path, tiny_model: Path, tmp_path: Path
) -> None:
    cameras = tmp_path / "cameras.toml"
    cameras.write_text(f'[[camera]]\nsource = "{halves_video}"\n', encoding="utf-8")
    before = cameras.read_bytes()

    finished = rtaction("cam", "-m", tiny_model, "--sources", cameras, "--headless", "-o", cameras)

    assert "would overwrite the cameras file" in assert_one_error(
        finished.returncode, finished.stderr, 2
    )
    assert cameras.read_bytes() == before


def test_a_run_in_which_nothing_can_be_opened_ends(
    halves_video: Path, tiny_model: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")

    finished = rtaction(
        *("cam", "-m", tiny_model, "-s", broken, "-s", "rtsp://127.0.0.1:9/x", "--headless")
    )

    assert_one_error(finished.returncode, finished.stderr, 7)


def test_a_reader_that_leaves_before_the_timeline(halves_video: Path, tiny_model: Path) -> None:
    process = subprocess.Popen(
        command("cam", "-m", tiny_model, "-s", halves_video, "--headless"),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    stderr = process.stderr.read()

    assert process.wait(WAIT_SECONDS) == 0, stderr
    assert "Traceback" not in stderr


def test_a_video_too_slow_for_the_model_is_told(
    tmp_path: Path, tiny_model: Path, here: Here, caplog: pytest.LogCaptureFixture
) -> None:
    image = np.full((48, 64, 3), 90, np.uint8)
    slow = write_video(tmp_path / "slow.mp4", [image] * 10, np.arange(10.0))
    code, _, _ = here("cam", "-m", tiny_model, "-s", slow, "--headless")
    assert code == 0
    (said,) = [record.getMessage() for record in caplog.records]
    assert "it has 1 frames a second, and a window of this model needs 5 different frames" in said
    assert "record at 4 frames a second or more" in said


def test_a_video_shorter_than_a_window_is_told(
    tmp_path: Path, tiny_model: Path, here: Here, caplog: pytest.LogCaptureFixture
) -> None:
    short = write_flat_video(tmp_path / "short.mp4", value=90, seconds=0.3)
    code, _, _ = here("cam", "-m", tiny_model, "-s", short, "--headless")
    assert code == 0
    (said,) = [record.getMessage() for record in caplog.records]
    assert "too short: 0.32 s, a window needs 1.00 s" in said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk that is always full")
def test_a_full_disk_ends_the_run(halves_video: Path, tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "full.avi").symlink_to("/dev/full")

    finished = rtaction(
        *("cam", "-m", tiny_model, "-s", halves_video, "--headless"),
        *("--save", tmp_path / "full.avi"),
    )

    error = assert_one_error(finished.returncode, finished.stderr, 11)
    assert "No space left on device" in error
    assert "saved" not in finished.stderr
