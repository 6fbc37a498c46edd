"""From a file or a live source to predictions, in the library's own words."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

import rtaction
from rtaction.errors import CameraLost, ModelMissing, SourceMissing
from rtaction.realtime.action_model import ActionModel
from rtaction.realtime.recognizer import Recognizer
from rtaction.realtime.sources import FileSource
from rtaction.realtime.watch import Moment, watch, watch_source
from tests.realtime.conftest import (
    WAIT_SECONDS,
    ScriptedSource,
    gray_frame,
    without_repeats,
)


@pytest.fixture
def model(tiny_model: Path) -> ActionModel:
    return ActionModel(tiny_model, device="cpu")


def test_the_package_offers_watch(halves_video: Path, tiny_model: Path) -> None:
    predictions = list(rtaction.watch(halves_video, tiny_model, device="cpu"))

    assert without_repeats(p.label for p in predictions) == ["dark", "bright"]
    assert {p.source for p in predictions} == {str(halves_video)}
    ends = [p.end_seconds for p in predictions]
    assert len(ends) == 13
    assert ends == pytest.approx([1.0 + 0.25 * number for number in range(13)], abs=0.041)


def test_a_loaded_model_and_text_will_do(halves_video: Path, model: ActionModel) -> None:
    predictions = list(watch(str(halves_video), model, stride_seconds=1.0))

    assert [p.label for p in predictions] == ["dark", "dark", "bright", "bright"]


def test_a_file_twice_gives_the_same(halves_video: Path, model: ActionModel) -> None:
    first, second = (list(watch(halves_video, model, stride_seconds=0.1)) for _ in range(2))

    assert len(first) == 31
    assert [p.label for p in first] == [p.label for p in second]
    assert all(np.array_equal(a.scores, b.scores) for a, b in zip(first, second, strict=True))
    assert [(p.start_seconds, p.end_seconds) for p in first] == [
        (p.start_seconds, p.end_seconds) for p in second
    ]


def test_leaving_early_is_fine(halves_video: Path, model: ActionModel) -> None:
    predictions = watch(halves_video, model)

    assert next(predictions).label == "dark"
    predictions.close()  # type: ignore[attr-defined]
    assert list(predictions) == []


@pytest.mark.parametrize(
    ("source", "model_name", "error"),
    [("nosuch.mp4", "tiny.onnx", SourceMissing), ("halves.mp4", "nosuch.onnx", ModelMissing)],
)
def test_errors_come_with_the_first_prediction(
    halves_video: Path, tiny_model: Path, source: str, model_name: str, error: type[Exception]
) -> None:
    folder = halves_video.parent
    with pytest.raises(error):
        next(watch(folder / source, folder / model_name))


def test_a_file_gives_one_moment_for_each_frame(halves_video: Path, model: ActionModel) -> None:
    moments = list(watch_source(FileSource(halves_video), Recognizer(model)))

    frames = [moment.frame for moment in moments if moment.frame is not None]
    assert [frame.index for frame in frames] == list(range(100))
    assert {moment.num_frames_dropped for moment in moments} == {0}
    # The last window ends while the last frame is still shown.
    assert moments[-1].frame is None
    assert [p.label for p in moments[-1].predictions] == ["bright"]


def live_moments(
    source: ScriptedSource, recognizer: Recognizer, moments: list[Moment]
) -> threading.Thread:
    """Follow a source in a thread."""

    def follow() -> None:
        moments.extend(watch_source(source, recognizer))

    thread = threading.Thread(target=follow)
    thread.start()
    return thread


def test_a_live_source_is_followed_to_its_end(model: ActionModel) -> None:
    source, recognizer = ScriptedSource(), Recognizer(model, live=True)
    moments: list[Moment] = []
    thread = live_moments(source, recognizer, moments)
    start = time.monotonic() - 10.0
    for number in range(6):
        source.give(gray_frame(start + number * 0.25, value=200, index=number))
    source.end()
    thread.join(WAIT_SECONDS)

    assert not thread.is_alive()
    assert source.closed.is_set()
    seen = [moment.frame for moment in moments if moment.frame is not None]
    assert seen[-1].index == 5
    assert len(seen) + moments[-1].num_frames_dropped == 6


def test_a_live_source_that_is_silent_still_gives_moments(model: ActionModel) -> None:
    source = ScriptedSource()
    moments = watch_source(source, Recognizer(model, live=True))

    assert next(moments) == Moment(None)
    moments.close()
    assert source.closed.is_set()


def test_a_lost_camera_is_told_after_its_last_frame(model: ActionModel) -> None:
    source = ScriptedSource(CameraLost("gone"))
    moments = watch_source(source, Recognizer(model, live=True))
    assert next(moments).frame is None
    source.give(gray_frame(time.monotonic(), index=3))
    source.end()

    frame = next(moments).frame
    assert frame is not None
    assert frame.index == 3
    # The error is there before anybody asks for another frame.
    (reader,) = (one for one in threading.enumerate() if one.name == "rtaction-reader")
    reader.join(WAIT_SECONDS)
    with pytest.raises(CameraLost, match="gone"):
        for _ in moments:
            pass
    assert source.closed.is_set()
