"""Clips of doubts: the right pictures, never half a clip, no password, no full disk."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import numpy as np
import pytest

from rtaction.errors import OutputError
from rtaction.prediction import Prediction
from rtaction.realtime.actions.detector import ActionEvent
from rtaction.realtime.actions.doubts import DoubtRule, Doubts
from rtaction.realtime.outputs.clips import doubt_clips
from rtaction.realtime.outputs.clips.doubt_clips import DoubtClips
from rtaction.realtime.outputs.clips.event_clips import EventClips
from tests.realtime.conftest import frame_times
from tests.realtime.outputs.clips.test_event_clips import decoded

STEP_SECONDS = 0.125
URL = "rtsp://admin:s3cret-word@camera/stream"


def opened(folder: Path, frames: EventClips) -> DoubtClips:
    return DoubtClips(
        folder,
        frames,
        model_name="model.onnx",
        first_seconds=lambda source: 100.0,
        doubts=Doubts(DoubtRule(lasting_seconds=0.0, rest_seconds=0.0)),
    )


def window(end_seconds: float, source: str = "cam", person: int | None = None) -> Prediction:
    scores = np.array([0.5, 0.4, 0.1], np.float32)
    labels = ("wave", "clap", "nothing")
    box = None if person is None else (0.1, 0.2, 0.8, 0.5)
    return Prediction(
        *(scores, labels, end_seconds - 1.0, end_seconds), source=source, person=person, box=box
    )


def add_frames(frames: EventClips, numbers: range, source: str = "cam") -> None:
    for number in numbers:
        image = np.full((48, 64, 3), 6 * (number % 40) + 3, np.uint8)
        frames.add_frame(source, image, 100.0 + number * STEP_SECONDS)


def saved(
    folder: Path, one: Prediction, numbers: range = range(20), later: range = range(0)
) -> list[Path]:
    """What is saved of one window, after pictures of these numbers; then come later ones."""
    frames = EventClips(None)
    clips = opened(folder, frames)
    add_frames(frames, numbers)
    clips.see(one, one.scores)
    add_frames(frames, later)
    frames.close()
    return sorted((folder / "unlabelled").iterdir())


def test_the_clip_holds_the_window_and_the_json_says_why(tmp_path: Path) -> None:
    names = saved(tmp_path / "corrections", window(102.0, person=3), later=range(20, 30))
    assert [path.suffix for path in names] == [".json", ".mkv"]
    assert names[0].stem == names[1].stem
    assert names[1].stem.endswith("_cam_unsure_1_person-3")
    # The window from 101 to 102 s, and 0.2 s around it.
    assert [number for _, number in decoded(names[1])] == list(range(7, 18))
    assert json.loads(names[0].read_text()) == {
        "source": "cam",
        "person": 3,
        "box": [0.1, 0.2, 0.8, 0.5],
        "why": "unsure",
        "top": [{"label": "wave", "score": 0.5}, {"label": "clap", "score": 0.4}],
        "window_start_seconds": 1.0,
        "window_end_seconds": 2.0,
        "model": "model.onnx",
    }


def test_a_clip_is_hidden_until_it_is_complete(tmp_path: Path) -> None:
    frames = EventClips(None)
    clips = opened(tmp_path, frames)
    add_frames(frames, range(17))
    one = window(102.0)
    clips.see(one, one.scores)
    frames.flush()
    (hidden,) = (tmp_path / "unlabelled").iterdir()
    assert hidden.name.startswith(".")
    add_frames(frames, range(17, 20))
    frames.flush()
    assert not [path for path in (tmp_path / "unlabelled").iterdir() if path.name[0] == "."]
    frames.close()


def test_no_password_is_written(tmp_path: Path) -> None:
    frames = EventClips(None)
    clips = opened(tmp_path, frames)
    add_frames(frames, range(20), URL)
    one = window(102.0, URL)
    clips.see(one, one.scores)
    assert clips.keep_wrong() == 1
    frames.close()
    paths = list((tmp_path / "unlabelled").iterdir())
    assert len(paths) == 4
    assert not [path for path in paths if "s3cret" in path.name or "admin" in path.name]
    written = b"".join(path.read_bytes() for path in paths)
    assert b"s3cret" not in written
    assert b"rtsp://camera/stream" in written


def test_one_ring_serves_event_clips_too(tmp_path: Path) -> None:
    frames = EventClips(tmp_path / "events", pre_roll_seconds=0.5, post_roll_seconds=0.0)
    clips = opened(tmp_path / "corrections", frames)
    add_frames(frames, range(20))
    frames.add_event(ActionEvent("cam", "wave", 101.0, None, 0.9, 1))
    one = window(102.0)
    clips.see(one, one.scores)
    frames.add_event(ActionEvent("cam", "wave", 101.0, 102.25, 0.9, 1))
    frames.close()
    (event,) = (tmp_path / "events").iterdir()
    (clip,) = (tmp_path / "corrections" / "unlabelled").glob("*.mkv")
    assert [number for _, number in decoded(event)] == list(range(4, 20))
    assert [number for _, number in decoded(clip)] == list(range(7, 18))


def test_beyond_the_limit_nothing_is_saved_and_that_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(doubt_clips, "MOST_WAITING", 2)
    frames = EventClips(None)
    clips = opened(tmp_path, frames)
    waiting = tmp_path / "unlabelled"
    with caplog.at_level(logging.WARNING, "rtaction"):
        for number in range(5):
            add_frames(frames, range(10 * number, 10 * number + 10))
            one = window(101.0 + number)
            clips.see(one, one.scores)
        frames.flush()
        assert len(list(waiting.glob("*.mkv"))) == 2
        next(waiting.glob("*.mkv")).unlink()  # labelled meanwhile
        add_frames(frames, range(50, 60))
        one = window(106.0)
        clips.see(one, one.scores)
        frames.close()
    assert len(list(waiting.glob("*.mkv"))) == 2
    (said,) = [record.getMessage() for record in caplog.records if "wait" in record.getMessage()]
    assert said.startswith("2 uncertain clips wait for a label")
    assert f"label {tmp_path}" in said


def test_a_moment_without_frames_leaves_no_file(tmp_path: Path) -> None:
    assert saved(tmp_path, window(50.0)) == []


def test_what_a_killed_run_left_is_removed_and_what_another_writes_is_not(tmp_path: Path) -> None:
    waiting = tmp_path / "unlabelled"
    waiting.mkdir()
    for name, modified in ((".old.mkv", 1000.0), (".new.mkv", None)):
        (waiting / name).touch()
        if modified is not None:
            os.utime(waiting / name, (modified, modified))
    opened(tmp_path, EventClips(None))
    assert [path.name for path in waiting.iterdir()] == [".new.mkv"]


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write uncertain clips into"):
        opened(tmp_path / "file", EventClips(None))


def test_a_window_that_begins_before_the_first_frame_is_made_up_for(tmp_path: Path) -> None:
    _, clip = saved(tmp_path, window(100.5), range(5), range(5, 20))
    assert [number for _, number in decoded(clip)] == list(range(12))  # 1.4 s


def test_times_are_true(tmp_path: Path) -> None:
    _, clip = saved(tmp_path, window(102.0))
    assert frame_times(clip) == pytest.approx([i * STEP_SECONDS for i in range(11)])
