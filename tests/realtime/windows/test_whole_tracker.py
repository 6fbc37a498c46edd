"""One window over a whole video, with the frames of training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rtaction.model_spec import ModelSpec
from rtaction.realtime.windows import whole_tracker
from rtaction.realtime.windows.tracker import FrameWindow
from rtaction.realtime.windows.whole_tracker import WholeTracker
from rtaction.sampling import select_frames
from rtaction.video.motion import clip_pictures
from rtaction.video.pixels import prepare_image
from rtaction.whole_video import spread_targets
from tests.realtime.windows.test_tracker import Film
from tests.videos import index_image, index_of

SPEC = ModelSpec(("bright", "dark"), 5, 1.0, 8, 8, sampling="spread")


def _window(
    times_seconds: list[float], spec: ModelSpec = SPEC, film: Film | None = None
) -> FrameWindow:
    tracker = WholeTracker(spec)
    for frame in (film or Film()).frames(times_seconds):
        assert not tracker.push(frame)
        assert tracker.due() == []
        assert tracker.state == "warming_up"
    (window,) = tracker.due(has_ended=True)
    assert tracker.state == "ok"
    return window


def test_the_frames_are_those_of_training() -> None:
    times = np.cumsum(np.random.default_rng(0).uniform(0.02, 0.06, 90)).tolist()
    window = _window(times)
    chosen = select_frames(times, spread_targets(times, 5)).indices
    assert [index_of(one.image) for one in window.values] == chosen.tolist()
    assert window.times_seconds == tuple(times[index] for index in chosen)
    assert (chosen[0], chosen[-1]) == (0, 89)


def test_motion_is_between_the_frames_chosen() -> None:
    spec = replace(SPEC, modality="abs_diff")
    times = [number / 10 for number in range(31)]
    window = _window(times, spec)
    images = np.stack(
        [
            prepare_image(index_image(number), (8, 8), base=spec.base, resize=spec.resize)
            for number in (0, 6, 12, 18, 24, 30)
        ]
    )
    expected = clip_pictures(images, "abs_diff")
    assert np.array_equal(np.stack([one.image for one in window.values]), expected)
    assert len(window.times_seconds) == 6


@pytest.mark.parametrize("num_frames", [500, 5003])
def test_of_a_long_video_only_some_frames_are_kept(
    monkeypatch: pytest.MonkeyPatch, num_frames: int
) -> None:
    monkeypatch.setattr(whole_tracker, "_MOST_BYTES", 0)
    times = [number / 25 for number in range(num_frames)]
    tracker = WholeTracker(SPEC)
    most = 0
    for frame in Film().frames(times):
        tracker.push(frame)
        most = max(most, len(tracker._kept.frames))
    assert most <= 32 * 5
    (window,) = tracker.due(has_ended=True)
    targets = spread_targets(times, 5)
    apart_seconds = times[-1] / 4
    assert np.abs(np.array(window.times_seconds) - targets).max() < 0.032 * apart_seconds + 0.02
    assert window.times_seconds[0] == 0.0
    assert window.times_seconds[-1] == times[-1]


def test_a_damaged_frame_is_left_out() -> None:
    window = _window([number / 10 for number in range(30)], film=Film(damaged=[0, 29]))
    assert [index_of(one.image) for one in window.values] == [1, 8, 14, 21, 28]


@pytest.mark.parametrize("times", [[0.0, 0.1, 0.2, 0.3], [0.0, 0.1, 0.2, 0.3, 0.4, 60.0]])
def test_too_few_frames_are_no_window(times: list[float]) -> None:
    tracker = WholeTracker(SPEC)
    for frame in Film().frames(times):
        tracker.push(frame)
    assert tracker.due(has_ended=True) == []
    assert tracker.state == "degraded"
    assert tracker.drops == {"degraded": 1}


def test_nothing_was_there() -> None:
    tracker = WholeTracker(SPEC)
    tracker.clear()
    assert tracker.due(has_ended=True) == []


STACKED = replace(SPEC, frames_per_clip=4, modality="rgb+flow_stack", sampling="segments")


def test_a_stack_of_each_segment_is_seen() -> None:
    times = [number / 25 for number in range(101)]  # segments of a second
    window = _window(times, STACKED)
    assert len(window.values) == 4
    assert window.values[0].image.shape == (8, 8, 13)
    # The last frames of the stacks, whose middles are at .5, 1.5, 2.5 and 3.5 s.
    assert [index_of(one.image) for one in window.values] == [17, 42, 67, 92]
    lasts = np.array(window.times_seconds).reshape(4, 6)[:, -1]
    np.testing.assert_allclose(lasts, [0.68, 1.68, 2.68, 3.68])


def test_a_video_of_fewer_frames_than_all_stacks_have_is_judged() -> None:
    window = _window([number / 10 for number in range(12)], STACKED)
    assert len(window.values) == 4


def test_of_a_long_video_stacks_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_tracker, "_MOST_BYTES", 0)
    times = [number / 25 for number in range(4000)]
    window = _window(times, STACKED)
    stacks = np.array(window.times_seconds).reshape(4, 6)
    np.testing.assert_allclose(np.diff(stacks, axis=1), 0.08)
    np.testing.assert_allclose(stacks.mean(axis=1), [20, 60, 100, 140], atol=3)
