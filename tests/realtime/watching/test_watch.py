"""From sources to predictions and actions, in the library's own words."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import rtaction
from rtaction.errors import ModelMissing, RtactionError, SourceMissing, SourceUnreadable, UsageError
from rtaction.frame import FrameLike
from rtaction.model_spec import ModelSpec
from rtaction.realtime.actions.detector import ActionEvent
from rtaction.realtime.actions.rules import ActionRules
from rtaction.realtime.cameras.camera import cameras_of
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.watching.actions import Actions
from rtaction.realtime.watching.moment import Moment, StateChange
from rtaction.realtime.watching.options import WatchOptions
from rtaction.realtime.watching.stats import WatchStats
from rtaction.realtime.watching.watch import watch, watch_cameras
from tests.realtime.conftest import (
    BrightnessModel,
    prediction_of,
    scripted_camera,
    without_repeats,
)
from tests.videos import index_of, write_flat_video

SPEC = ModelSpec(("bright", "dark"), 5, 1.0, 8, 8)


@pytest.fixture
def model(tiny_model: Path) -> ActionModel:
    return ActionModel(tiny_model, device="cpu")


@pytest.fixture
def flat_video(tmp_path: Path) -> Path:
    """Two seconds of bright gray."""
    return write_flat_video(tmp_path / "flat.mp4", value=235, seconds=2.0)


def test_the_package_offers_watch(halves_video: Path, tiny_model: Path) -> None:
    predictions = list(rtaction.watch(halves_video, tiny_model, device="cpu"))

    assert without_repeats(p.label for p in predictions) == ["dark", "bright"]
    assert {p.source for p in predictions} == {str(halves_video)}
    ends = [p.end_seconds for p in predictions]
    assert len(ends) == 13
    assert ends == pytest.approx([1.0 + 0.25 * number for number in range(13)], abs=0.041)
    assert {p.frame_age_seconds for p in predictions} == {0.0}


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


def test_several_files_are_read_one_after_the_other(
    halves_video: Path, flat_video: Path, model: ActionModel
) -> None:
    predictions = list(watch([flat_video, str(halves_video)], model))

    sources = [p.source for p in predictions]
    assert sources == [str(flat_video)] * 5 + [str(halves_video)] * 13
    # Each counts its own time, and no window holds pictures of both.
    alone = [*watch(flat_video, model), *watch(halves_video, model)]
    assert [p.end_seconds for p in predictions] == [p.end_seconds for p in alone]
    assert all(np.array_equal(a.scores, b.scores) for a, b in zip(predictions, alone, strict=True))


def test_a_folder_of_videos(halves_video: Path, flat_video: Path, model: ActionModel) -> None:
    predictions = list(watch(halves_video.parent, model, stride_seconds=1.0))

    assert without_repeats(p.source for p in predictions) == [str(flat_video), str(halves_video)]


def test_the_same_file_twice_has_two_names(flat_video: Path, model: ActionModel) -> None:
    predictions = list(watch([flat_video, flat_video], model, stride_seconds=1.0))

    names = [str(flat_video), f"{flat_video} (2)"]
    assert without_repeats(p.source for p in predictions) == names


def test_actions_and_states_of_a_file(halves_video: Path, model: ActionModel) -> None:
    events: list[ActionEvent] = []
    states: list[StateChange] = []
    told_at: list[int] = []

    def on_event(event: ActionEvent) -> None:
        events.append(event)
        told_at.append(progress["predictions"])

    progress = {"predictions": 0}
    for _ in watch(halves_video, model, on_event=on_event, on_state=states.append):
        progress["predictions"] += 1

    told = [(e.label, e.number, e.end_seconds is None) for e in events]
    assert told == [
        ("dark", 1, True),
        ("dark", 1, False),
        ("bright", 2, True),
        ("bright", 2, False),
    ]
    begun, ended = events[::2], events[1::2]
    assert [e.start_seconds for e in begun] == pytest.approx([0.5, 2.0], abs=0.26)
    assert [e.end_seconds for e in ended] == pytest.approx([2.0, 3.5], abs=0.31)
    assert {e.source for e in events} == {str(halves_video)}
    assert min(e.peak_score for e in ended) > 0.9
    # They are told as soon as they are sure, and not at the end of the file alone.
    assert told_at == sorted(told_at)
    assert told_at[0] <= 4
    assert told_at[1] < 10
    assert [(s.source, s.state) for s in states] == [
        (str(halves_video), "ok"),
        (str(halves_video), "ended"),
    ]
    assert [s.at_seconds for s in states] == pytest.approx([1.0, 3.96], abs=0.001)


def test_rules_of_ones_own(halves_video: Path, model: ActionModel) -> None:
    rules = ActionRules.for_model(model.spec, overrides={"labels": {"dark": {"enter": 0.95}}})
    events: list[ActionEvent] = []

    list(watch(halves_video, model, rules=rules, on_event=events.append))

    assert [e.label for e in events] == ["bright", "bright"]


def test_actions_of_each_file_end_with_it(flat_video: Path, model: ActionModel) -> None:
    events: list[ActionEvent] = []

    list(watch([flat_video, flat_video], model, on_event=events.append))

    told = [(e.source, e.number, e.end_seconds is None) for e in events]
    names = [str(flat_video), f"{flat_video} (2)"]
    assert told == [(name, 1, is_start) for name in names for is_start in (True, False)]


def test_sources_have_the_names_that_they_are_given(halves_video: Path, model: ActionModel) -> None:
    named = {"door": halves_video, "yard": str(halves_video.parent)}
    assert {one.source for one in watch(named, model)} == {"door", "yard"}
    with pytest.raises(UsageError, match="expected names of sources such as"):
        watch({0: halves_video}, model).run()
    with pytest.raises(UsageError, match="sources have their own"):
        watch({"door": halves_video}, model, frames_per_second=5).run()


def test_a_run_tells_callbacks_and_can_be_stopped_by_one(
    halves_video: Path, model: ActionModel
) -> None:
    whole: list[ActionEvent] = []
    watch(halves_video, model, on_event=whole.append).run()
    assert [(one.label, one.end_seconds is None) for one in whole] == [
        ("dark", True),
        ("dark", False),
        ("bright", True),
        ("bright", False),
    ]
    told: list[ActionEvent] = []

    def see(event: ActionEvent) -> None:
        told.append(event)
        watching.stop()

    watching = watch(halves_video, model, on_event=see)
    watching.run()
    assert [(one.label, one.end_seconds is None) for one in told] == [
        ("dark", True),
        ("dark", False),
    ]
    first, last = whole[1].end_seconds, told[1].end_seconds
    assert first is not None
    assert last is not None
    assert last < first  # stopped before the action had ended


def test_frames_can_be_stopped_and_closed(model: ActionModel) -> None:
    pairs = ((number / 10, np.zeros((16, 16, 3), np.uint8)) for number in itertools.count())
    with watch(pairs, model) as watching:
        assert next(watching).label == "dark"
        watching.stop()
        assert len(list(watching)) <= 1  # what ends with the last frame
    assert list(watching) == []


def test_leaving_early_is_fine(halves_video: Path, model: ActionModel) -> None:
    predictions = watch(halves_video, model)

    assert next(predictions).label == "dark"
    predictions.close()
    assert list(predictions) == []


@pytest.mark.parametrize(
    ("source", "model_name", "error"),
    [
        ("nosuch.mp4", "tiny.onnx", SourceMissing),
        ("tiny.onnx", "tiny.onnx", SourceUnreadable),
        ("halves.mp4", "nosuch.onnx", ModelMissing),
        ("ftp://127.0.0.1/x.mp4", "tiny.onnx", UsageError),
    ],
)
def test_errors_come_with_the_first_prediction(
    halves_video: Path,
    tiny_model: Path,
    source: str,
    model_name: str,
    error: type[RtactionError],
) -> None:
    folder = halves_video.parent
    named = source if "://" in source else folder / source
    with pytest.raises(error):
        next(watch(named, folder / model_name))


def moments_of(*paths: Path, stats: WatchStats | None = None, paced: bool = False) -> list[Moment]:
    cameras = cameras_of([str(path) for path in paths])
    return list(
        watch_cameras(
            BrightnessModel(SPEC), cameras, stats or WatchStats(), WatchOptions(paced=paced)
        )
    )


def test_a_file_gives_one_moment_for_each_frame(
    indexed_video: Callable[..., Path],
) -> None:
    stats = WatchStats()
    path = indexed_video(np.arange(50) / 25)

    moments = moments_of(path, stats=stats)

    *with_frames, last = moments
    assert [[one.index for one in moment.frames] for moment in with_frames] == [
        [number] for number in range(50)
    ]
    assert [index_of(one.image) for moment in with_frames for one in moment.frames] == [*range(50)]
    # The last window ends while the last frame is still shown.
    assert last.frames == []
    assert [p.end_seconds for p in last.predictions] == pytest.approx([1.96], abs=0.001)
    assert [change.state for change in last.changes] == ["ended"]
    figures = stats.of(str(path))
    assert (figures.num_frames, figures.num_predictions) == (50, 5)
    assert (figures.first_seconds, figures.last_seconds) == pytest.approx((0.0, 1.96), abs=0.001)
    assert figures.ended_seconds is not None
    assert not +figures.drops


def test_every_frame_of_a_file_is_told(indexed_video: Callable[..., Path]) -> None:
    told: list[FrameLike] = []
    cameras = cameras_of([str(indexed_video(np.arange(30) / 25))])

    list(
        watch_cameras(
            BrightnessModel(SPEC), cameras, WatchStats(), WatchOptions(on_frame=told.append)
        )
    )

    assert [index_of(one.image) for one in told] == list(range(30))


def test_a_paced_file_plays_at_its_pace(flat_video: Path) -> None:
    stats = WatchStats()
    began_seconds = time.monotonic()

    moments = moments_of(flat_video, stats=stats, paced=True)

    assert time.monotonic() - began_seconds >= 1.9
    predictions = [p for moment in moments for p in moment.predictions]
    assert {p.label for p in predictions} == {"bright"}
    # Windows end at 1.0, 1.25, 1.5, 1.75 and 2.0 s; a busy machine may skip some.
    assert 2 <= len(predictions) <= 5
    assert stats.of(str(flat_video)).num_frames == 50
    assert [c.state for m in moments for c in m.changes][-1] == "ended"
    names = [thread.name for thread in threading.enumerate()]
    assert "rtaction-feed" not in names


def test_paced_files_play_one_after_the_other(flat_video: Path, tmp_path: Path) -> None:
    other = write_flat_video(tmp_path / "other.mp4", value=20, seconds=1.3)
    short = write_flat_video(tmp_path / "short.mp4", value=235, seconds=1.3)

    moments = moments_of(other, short, paced=True)

    ended = [c.source for m in moments for c in m.changes if c.state == "ended"]
    assert ended == [str(other), str(short)]
    drawn = without_repeats(one.source for moment in moments for one in moment.frames)
    assert drawn == [str(other), str(short)]


@pytest.mark.parametrize("order", ["film first", "camera first"])
def test_a_file_among_cameras_plays_beside_them(flat_video: Path, order: str) -> None:
    """The camera cannot be reached; the film is watched all the same, and then the camera alone."""
    cameras = [scripted_camera("camera", "rtsp"), *cameras_of([str(flat_video)])]
    if order == "film first":
        cameras.reverse()
    moments = watch_cameras(BrightnessModel(SPEC), cameras, WatchStats())
    seen = []
    for moment in moments:
        seen.append(moment)
        if any(c.state == "ended" for c in moment.changes):
            break
    moments.close()

    assert {p.source for m in seen for p in m.predictions} == {str(flat_video)}
    assert {c.source for m in seen for c in m.changes} == {"camera", str(flat_video)}


def test_detectors_are_kept_by_source() -> None:
    actions = Actions(BrightnessModel(SPEC), None)

    assert actions.of("a") is actions.of("a")
    assert actions.of("a") is not actions.of("b")


@pytest.mark.parametrize(
    ("state", "expected_events"),
    [
        *((state, 2) for state in ("down", "refused", "black", "frozen", "late", "ended")),
        *((state, 1) for state in ("ok", "warming_up", "degraded", "overloaded")),
    ],
)
def test_states_that_end_an_action(state: str, expected_events: int) -> None:
    actions = Actions(BrightnessModel(SPEC), None)
    predictions = [
        prediction_of(SPEC, (0.9, 0.1), start_seconds=n / 4, end_seconds=n / 4 + 1.0)
        for n in range(6)
    ]
    events = actions.see(Moment([], predictions, []))
    assert [e.end_seconds for e in events] == [None]

    events += actions.see(Moment([], [], [StateChange("test", state, "", 2.5)]))  # type: ignore[arg-type]

    assert len(events) == expected_events
    assert len(events + actions.finish()) == 2
    assert actions.finish() == []
