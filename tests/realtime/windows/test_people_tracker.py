"""Each person has windows of their own, and each picture is looked at once."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from rtaction.frame import DeferredFrame, FrameDamaged, FrameLike
from rtaction.pose.keypoints import Pose
from rtaction.pose.normal import picture_shares
from rtaction.pose.region import Region
from rtaction.realtime.windows.people_tracker import PeopleTracker
from rtaction.realtime.windows.person_window import PersonWindow
from rtaction.realtime.windows.who_counts import CountOptions
from tests.person_model import PERSON_SPEC
from tests.realtime.scripted_people import SIZE_HW, ScriptedPeople, standing

INTERVAL = PERSON_SPEC.frame_interval_seconds
WINDOW = PERSON_SPEC.clip_seconds
FIRST_END = 3 * INTERVAL
"""End of the first window, of which four pictures of eight are there."""


def _tracker(people: ScriptedPeople, **options: object) -> PeopleTracker:
    return PeopleTracker(PERSON_SPEC, people.networks, **options)  # type: ignore[arg-type]


def _windows(tracker: PeopleTracker, frames: Iterable[FrameLike]) -> list[PersonWindow]:
    """All windows of a file."""
    windows = []
    for frame in frames:
        tracker.push(frame)
        windows += tracker.due()
    return windows + tracker.due(has_ended=True)


def _ends(windows: Iterable[PersonWindow], person: int) -> list[float]:
    return [round(one.end_seconds, 3) for one in windows if one.person == person]


def test_a_window_holds_the_joints_of_its_person_in_its_pictures() -> None:
    people = ScriptedPeople(lambda t: [standing(0.3 + 0.1 * t), standing(0.8, hands_up=True)])
    windows = _windows(_tracker(people), people.frames(2.0))

    assert {one.person for one in windows} == {1, 2}
    by_place = {round(one.box[1] + one.box[3]): one for one in windows}  # left 0, right 1 or 2
    first, second = by_place[1], by_place[2]
    for window, script in ((first, 0), (second, 1)):
        expected = [
            picture_shares(list(people.script(t))[script].points, SIZE_HW)
            for t in window.times_seconds
        ]
        np.testing.assert_allclose(window.features, np.reshape(expected, (8, 51)), atol=1e-6)
    top, left, bottom, right = second.box
    assert (top + bottom) / 2 == pytest.approx(0.52, abs=0.03)
    assert 0.5 * (left + right) == pytest.approx(0.8, abs=0.01)
    assert second.joints[:, 1].mean() == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize("rate", [8.0, 25.0, 30.0, 60.0])
def test_pictures_are_looked_at_once_and_no_more_often_than_the_model_takes_them(
    rate: float,
) -> None:
    people = ScriptedPeople(lambda t: [standing(0.5)])
    windows = _windows(_tracker(people), people.frames(6.0, rate=rate))
    assert len(people.looked) == len(set(people.looked))
    assert len(people.looked) <= 6.0 / INTERVAL + 1
    assert _ends(windows, 1) == [round(FIRST_END + n * INTERVAL, 3) for n in range(46)]


@pytest.mark.parametrize(("rate", "is_judged"), [(5.0, True), (4.0, False)])
def test_a_camera_may_have_five_pictures_a_second(rate: float, is_judged: bool) -> None:
    people = ScriptedPeople(lambda t: [standing(0.5)])
    spec = replace(PERSON_SPEC, frames_per_clip=16, clip_seconds=1.875)
    tracker = PeopleTracker(spec, people.networks)
    windows = _windows(tracker, people.frames(6.0, rate=rate))
    late = [one for one in windows if 3.0 < one.end_seconds < 5.0]
    assert len(late) == (15 if is_judged else 0)


def test_an_odd_stride_is_rounded_to_pictures() -> None:
    people = ScriptedPeople(lambda t: [standing(0.5)])
    windows = _windows(_tracker(people, stride_seconds=0.3), people.frames(4.0, rate=25.0))
    assert np.diff(_ends(windows, 1)).tolist() == pytest.approx([0.25] * 14)
    assert len(people.looked) <= 4.0 / INTERVAL + 1


def test_the_first_windows_begin_before_the_source() -> None:
    people = ScriptedPeople(lambda t: [standing(0.3 + 0.05 * t)])
    windows = _windows(_tracker(people), people.frames(1.5))
    noses = [one.features.reshape(8, 17, 3)[:, 0] for one in windows]
    assert [int((one[:, 2] > 0).sum()) for one in noses[:5]] == [4, 5, 6, 7, 8]
    first = windows[0]
    np.testing.assert_allclose(first.times_seconds, np.arange(-4, 4) * INTERVAL, atol=1e-9)
    assert not first.features[:3].any()
    np.testing.assert_allclose(np.diff(noses[0][4:, 1]), 0.05 * INTERVAL, atol=1e-5)


def test_who_comes_later_is_judged_from_half_of_a_window_on() -> None:
    def script(t: float) -> list[Pose]:
        return [standing(0.25)] + [standing(0.75)] * (t >= 2.0)

    people = ScriptedPeople(script)
    windows = _windows(_tracker(people), people.frames(4.0))
    # Seen from 2.0 s on; five of eight pictures are enough.
    assert min(_ends(windows, 2)) == 2.375
    first = next(one for one in windows if one.person == 2)
    seen = first.features.reshape(8, 17, 3)[..., 2].max(axis=1) > 0.2
    assert seen.tolist() == [False] * 4 + [True] * 4
    assert not first.features[:3].any()


def test_gaps_of_two_pictures_are_filled_in_a_straight_line() -> None:
    def script(t: float) -> list[Pose]:
        return [] if 1.2 < t < 1.4 else [standing(0.3 + 0.1 * t)]

    people = ScriptedPeople(script)
    windows = _windows(_tracker(people), people.frames(2.0))
    whole = next(one for one in windows if one.times_seconds[-1] == 1.5)
    noses = whole.features.reshape(8, 17, 3)[:, 0, 1]
    np.testing.assert_allclose(np.diff(noses), 0.1 * INTERVAL, atol=1e-5)


def test_who_is_gone_gets_no_more_windows_and_is_told_to_have_left() -> None:
    def script(t: float) -> list[Pose]:
        return [standing(0.25)] + [standing(0.75)] * (t < 2.0)

    people = ScriptedPeople(script)
    tracker = _tracker(people)
    left, windows = [], []
    for frame in people.frames(5.0):
        tracker.push(frame)
        windows += tracker.due()
        left += [(frame.captured_at_seconds, number) for number in tracker.news().left]
    assert max(_ends(windows, 2)) <= 2.0 + WINDOW * 0.5
    ((at_seconds, number),) = left
    assert number == 2
    assert 3.4 < at_seconds < 3.8
    assert max(_ends(windows, 1)) == 5.0


def test_after_a_cut_everybody_has_left_and_no_id_is_given_twice() -> None:
    people = ScriptedPeople(lambda t: [standing(0.25), standing(0.75)])
    tracker = _tracker(people)
    before = _windows(tracker, people.frames(1.5))
    assert {one.person for one in before} == {1, 2}
    assert tracker.news().left == []
    after = _windows(tracker, people.frames(1.5, segment=1))
    assert {one.person for one in after} == {3, 4}
    assert sorted(tracker.news().left) == [1, 2]


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (CountOptions(), {1, 2, 3}),
        (CountOptions(max_persons=2), {1, 2}),
        (CountOptions(person="largest"), {2}),
        (CountOptions(region=Region.of([0.5, 0, 1, 1])), {3}),
    ],
    ids=["all", "two", "largest", "region"],
)
def test_only_who_counts_is_judged(count: CountOptions, expected: set[int]) -> None:
    def script(t: float) -> list[Pose]:
        return [standing(0.1, size=0.5), standing(0.35, size=0.8), standing(0.8, size=0.6)]

    people = ScriptedPeople(script)
    windows = _windows(_tracker(people, count=count), people.frames(2.0))
    assert {one.person for one in windows} == expected


def test_a_source_is_ok_though_nobody_is_there() -> None:
    people = ScriptedPeople(lambda t: [])
    tracker = _tracker(people)
    states = []
    for frame in people.frames(2.0):
        tracker.push(frame)
        assert tracker.due() == []
        states.append(tracker.state)
    assert states == ["warming_up"] * 3 + ["ok"] * 14
    assert people.looked == []


def test_a_live_source_leaves_late_pictures_out_and_still_judges() -> None:
    """Pictures come four at a time: three of them are too late."""
    people = ScriptedPeople(lambda t: [standing(0.5)])
    tracker = _tracker(people, is_live=True)
    start = time.monotonic() - 1.0
    frames = people.frames(1.0, rate=24.0, start_seconds=start)
    for frame in frames:
        tracker.push(frame)
    tracker.due()
    assert len(people.looked) + len(people.searched) <= 2
    assert tracker.drops["not looked at"] >= 4
    assert tracker.state in ("degraded", "warming_up")


def test_a_slow_machine_looks_at_every_other_picture_and_judges_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    people = ScriptedPeople(lambda t: [standing(0.3 + 0.1 * t)])
    tracker = _tracker(people, is_live=True)
    windows: list[PersonWindow] = []
    for number, frame in enumerate(people.frames(2.0, start_seconds=1000.0)):
        tracker.push(frame)
        if number % 2:
            now = frame.captured_at_seconds + 0.2
            monkeypatch.setattr("time.monotonic", lambda now=now: now)
            windows += tracker.due()
    assert len(people.looked) < 10
    last = windows[-1].features.reshape(8, 17, 3)
    np.testing.assert_allclose(np.diff(last[:, 0, 1])[2:], 0.1 * INTERVAL, atol=1e-4)


def test_a_damaged_picture_shows_nobody() -> None:
    people = ScriptedPeople(lambda t: [standing(0.5)])

    def damaged() -> np.ndarray:
        raise FrameDamaged

    frames: list[FrameLike] = list(people.frames(2.0))
    frames[10] = DeferredFrame(damaged, frames[10].captured_at_seconds, 10, "test")
    tracker = _tracker(people)
    windows = _windows(tracker, frames)
    assert tracker.drops["damaged"] == 1
    assert _ends(windows, 1) == [round(FIRST_END + n * INTERVAL, 3) for n in range(14)]


@pytest.mark.parametrize("is_camera", [True, False])
def test_a_camera_that_hangs_is_told(is_camera: bool) -> None:
    people = ScriptedPeople(lambda t: [standing(0.5)])
    still = people.frame(0.0)
    tracker = _tracker(people, is_camera=is_camera)
    frames: list[FrameLike] = [
        DeferredFrame(lambda: still.image, n / 8, n, "test") for n in range(12)
    ]
    windows = []
    for frame in frames:
        tracker.push(frame)
        windows += tracker.due()
    assert tracker.state == ("frozen" if is_camera else "ok")
    assert bool(windows) != is_camera


def test_a_lost_camera_begins_anew() -> None:
    people = ScriptedPeople(lambda t: [standing(0.5)])
    tracker = _tracker(people)
    assert _windows(tracker, people.frames(1.5))
    tracker.clear()
    assert tracker.state == "warming_up"
    windows = []
    for frame in people.frames(3.0)[17:]:
        tracker.push(frame)
        windows += tracker.due()
    assert {one.person for one in windows} == {2}
    assert tracker.news().left == [1]


def test_a_camera_that_is_lost_while_its_pictures_are_looked_at_is_not_ok() -> None:
    lost: list[float] = []

    def script(t: float) -> list[Pose]:
        if is_running and t >= FIRST_END:
            lost.append(t)
            tracker.clear()
        return [standing(0.5)]

    is_running = False
    people = ScriptedPeople(script)
    tracker = _tracker(people)
    frames = people.frames(FIRST_END + INTERVAL)
    is_running = True
    windows = []
    for frame in frames[:-1]:
        tracker.push(frame)
        windows += tracker.due()
    assert lost
    assert _ends(windows, 1) == [FIRST_END], "what was there before is judged all the same"
    assert tracker.state == "warming_up"


def test_windows_give_their_last_frame_if_asked_to() -> None:
    people = ScriptedPeople(lambda t: [standing(0.5)])
    tracker = _tracker(people, keep_frames=True)
    for frame in people.frames(1.5):
        tracker.push(frame)
        for window in tracker.due():
            assert window.frame is not None
            assert window.frame.captured_at_seconds == window.times_seconds[-1]
            assert window.frame.image.shape == (*SIZE_HW, 3)
