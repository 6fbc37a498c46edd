"""A loop of one's own gives frames one by one, and gets what a file of them would give."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import rtaction
from rtaction.errors import ModelMissing, UsageError
from rtaction.prediction import Prediction
from rtaction.realtime.actions.detector import ActionEvent
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.watching.moment import StateChange
from rtaction.realtime.watching.recognizer import Recognizer
from rtaction.video.file import read_video
from tests.videos import index_image, index_of

Image = npt.NDArray[np.uint8]


@pytest.fixture
def model(tiny_model: Path) -> ActionModel:
    return ActionModel(tiny_model, device="cpu")


def gray(value: int, size_hw: tuple[int, int] = (8, 8)) -> Image:
    return np.full((*size_hw, 3), value, np.uint8)


def pushed(recognizer: Recognizer, frames: Iterable[tuple[Image, float]]) -> list[Prediction]:
    found = [one for image, at in frames for one in recognizer.push(image, at)]
    return found + recognizer.finish()


@pytest.mark.parametrize("has_rate", [False, True])
def test_frames_give_what_their_file_gives(
    halves_video: Path, model: ActionModel, has_rate: bool
) -> None:
    told: list[list[ActionEvent]] = [[], []]
    states: list[list[StateChange]] = [[], []]
    expected = list(
        rtaction.watch(halves_video, model, on_event=told[0].append, on_state=states[0].append)
    )
    recognizer = Recognizer(
        model,
        frames_per_second=25.0 if has_rate else None,
        on_event=told[1].append,
        on_state=states[1].append,
    )
    found: list[Prediction] = []
    for frame in read_video(halves_video):
        found += recognizer.push(frame.image, None if has_rate else frame.captured_at_seconds)
    found += recognizer.finish()

    assert [one.label for one in found] == [one.label for one in expected]
    assert all(np.array_equal(a.scores, b.scores) for a, b in zip(found, expected, strict=True))
    ends = [one.end_seconds for one in found]
    assert ends == pytest.approx([one.end_seconds for one in expected], abs=0.002)
    assert {(one.source, one.frame_age_seconds) for one in found} == {("frames", 0.0)}
    known = [[(one.label, one.end_seconds is None) for one in events] for events in told]
    assert known[1] == known[0] != []
    assert [one.state for one in states[1]] == [one.state for one in states[0]] == ["ok", "ended"]


def test_the_last_frame_of_a_window_is_beside_its_prediction(model: ActionModel) -> None:
    recognizer = Recognizer(model, frames_per_second=25.0)
    seen: list[tuple[int, int, float]] = []
    for number in range(60):
        for one in recognizer.push(index_image(number)):
            assert one.frame is not None
            seen.append((index_of(one.frame.image), one.frame.index, one.end_seconds))
            assert one.frame.captured_at_seconds == one.end_seconds
            assert one.frame.source == "frames"

    # Of two frames as near to the end of a window, such as 31 and 32 to 1.26 s, any will do.
    assert len(seen) == 6
    assert [round(end_seconds * 25) for *_, end_seconds in seen] == [shown for shown, *_ in seen]
    assert [shown for shown, *_ in seen] == [index for _, index, _ in seen]
    assert seen[0] == (25, 25, 1.0)


def test_an_image_is_kept_until_the_next_push(model: ActionModel) -> None:
    recognizer = Recognizer(model, frames_per_second=5.0)
    found = [one for number in range(8) for one in recognizer.push(index_image(number))]
    last = found[-1]
    assert last.frame is not None
    image = last.frame.image
    assert index_of(image) == 6

    recognizer.push(index_image(8))

    assert index_of(image) == 6
    for one in found:
        assert one.frame is not None
        with pytest.raises(RuntimeError, match=r"frame \d of frames is no longer kept"):
            _ = one.frame.image
    assert [one.frame and one.frame.index for one in found] == [5, 6]


def test_a_loop_may_use_its_memory_again(model: ActionModel) -> None:
    recognizer = Recognizer(model, frames_per_second=4.0)
    buffer = gray(0)
    found: list[Prediction] = []
    for number in range(13):
        buffer[:] = 200 if number < 6 else 0
        found += recognizer.push(buffer)
        buffer[:] = 255

    assert [round(float(one.scores[0]) * 255) for one in found][:3] == [200, 200, 160]
    assert round(float(found[-1].scores[0]) * 255) == 0


def test_frames_in_any_memory_layout(model: ActionModel) -> None:
    recognizer = Recognizer(model, frames_per_second=4.0)
    wide = np.zeros((16, 16, 4), np.uint8)
    wide[..., 0] = 90
    found = [one for _ in range(6) for one in recognizer.push(wide[::2, ::2, 2::-1])]

    assert found[-1].frame is not None
    assert found[-1].frame.image[3, 3].tolist() == [0, 0, 90]
    assert float(found[-1].scores[0]) == pytest.approx(30 / 255, abs=1e-5)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock, which a test sets."""
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


def test_frames_without_times_have_that_of_their_arrival(
    model: ActionModel, clock: list[float]
) -> None:
    recognizer = Recognizer(model)
    found: list[Prediction] = []
    for number in count():
        clock[0] = 1000.0 + number / 10
        found += recognizer.push(gray(200 if number < 15 else 20))
        assert recognizer.state == ("ok" if number >= 10 else "warming_up")
        if number == 30:
            break

    assert [one.label for one in found][::7] == ["bright", "dark"]
    assert found[0].end_seconds == pytest.approx(1001.0)
    assert found[-1].end_seconds == pytest.approx(1003.0, abs=0.051)
    assert [one.latency_seconds for one in found] == pytest.approx([0.05] * len(found), abs=0.051)
    # A clock with coarse steps: the second of two frames at one time cannot be placed.
    assert recognizer.push(gray(20)) == []


def test_live_frames_of_another_size_begin_anew(model: ActionModel, clock: list[float]) -> None:
    states: list[StateChange] = []
    recognizer = Recognizer(model, on_state=states.append)
    ends: list[float] = []
    for number in range(31):
        clock[0] = 1000.0 + number / 10
        size_hw = (8, 8) if number < 15 else (12, 8)
        ends += [one.end_seconds for one in recognizer.push(gray(100, size_hw))]

    assert [one.state for one in states] == ["ok", "warming_up", "ok"]
    assert [end for end in ends if 1001.45 < end < 1002.45] == []
    assert max(ends) == pytest.approx(1003.0, abs=0.051)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ([[0, 0, 0]], "got list"),
        (memoryview(b"abc"), "got memoryview"),
        (np.zeros((8, 8, 3), np.float32), r"got float32 \(8, 8, 3\); scale it to 0..255"),
        (np.zeros((8, 8), np.uint8), r"got uint8 \(8, 8\); convert gray"),
        (np.zeros((8, 8, 1), np.uint8), "convert gray"),
        (np.zeros((8, 8, 4), np.uint8), "leave out the fourth channel"),
        (np.zeros((3, 8, 8), np.uint8), "move the channels to the end"),
        (np.zeros((5, 8, 8, 3), np.uint8), r"got uint8 \(5, 8, 8, 3\)$"),
        (np.zeros((0, 8, 3), np.uint8), r"got uint8 \(0, 8, 3\)$"),
    ],
)
def test_what_is_no_frame_is_refused(model: ActionModel, image: Any, message: str) -> None:
    with pytest.raises(UsageError, match="uint8 RGB of shape") as refused:
        Recognizer(model).push(image)
    assert re.search(message, str(refused.value))


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([0.0, 0.5, 0.5], r"above that of the frame before, 0\.5; got 0\.5; call finish"),
        ([0.0, float("nan")], "got nan"),
        ([float("inf")], "must be a number of seconds, got inf"),
        ([0.0, None], "with each frame or with none"),
        ([None, 0.1], "with each frame or with none"),
    ],
)
def test_times_that_are_none_are_refused(
    model: ActionModel, times: list[float | None], message: str
) -> None:
    recognizer = Recognizer(model)
    *before, last = times
    for at_seconds in before:
        recognizer.push(gray(0), at_seconds)
    with pytest.raises(UsageError, match=message):
        recognizer.push(gray(0), last)


@pytest.mark.parametrize("rate", [0.0, -5.0, float("inf"), float("nan")])
def test_a_rate_that_is_none_is_refused(model: ActionModel, rate: float) -> None:
    with pytest.raises(UsageError, match="above 0, such as 25"):
        Recognizer(model, frames_per_second=rate)


def test_a_rate_and_times_are_one_too_many(model: ActionModel) -> None:
    with pytest.raises(UsageError, match="got both"):
        Recognizer(model, frames_per_second=25.0).push(gray(0), 0.0)


def test_a_model_that_is_not_there() -> None:
    with pytest.raises(ModelMissing):
        Recognizer("nosuch.onnx")


def test_after_the_end_another_video_begins(model: ActionModel) -> None:
    events: list[ActionEvent] = []
    recognizer = Recognizer(model, on_event=events.append)
    videos = [[(gray(value), n / 5) for n in range(11)] for value in (200, 20)]

    found = [pushed(recognizer, video) for video in videos]

    # The last window ends while the last frame is still displayed.
    assert [[one.label for one in video] for video in found] == [["bright"] * 5, ["dark"] * 5]
    assert found[0][0].end_seconds == found[1][0].end_seconds == 1.0
    told = [(one.label, one.number, one.end_seconds is None) for one in events]
    assert told == [
        ("bright", 1, True),
        ("bright", 1, False),
        ("dark", 1, True),
        ("dark", 1, False),
    ]


@pytest.mark.parametrize(
    ("rate", "num_frames", "expected"),
    [
        (25.0, 10, "frames: too short: 0.40 s, a window needs 1.00 s"),
        (1.5, 10, "frames: its frames are too far apart in time"),
        (None, 10, "a time with each frame, if they do not come from a camera"),
    ],
)
def test_why_there_is_no_prediction_is_told(
    model: ActionModel,
    rate: float | None,
    num_frames: int,
    expected: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    recognizer = Recognizer(model, frames_per_second=rate)
    for _ in range(num_frames):
        recognizer.push(gray(0))
    with caplog.at_level(logging.WARNING):
        assert recognizer.finish() == []
    assert expected in caplog.text


def test_the_end_without_a_frame_is_quiet(
    model: ActionModel, caplog: pytest.LogCaptureFixture
) -> None:
    assert Recognizer(model).finish() == []
    assert caplog.text == ""
