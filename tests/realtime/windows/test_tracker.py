"""The tracker makes few pictures, refuses those that lie, and never lets one be missing."""

from __future__ import annotations

import time
import weakref
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtaction.frame import DeferredFrame, FrameDamaged, FrameLike
from rtaction.model_spec import ModelSpec
from rtaction.realtime.windows.state import State
from rtaction.realtime.windows.tracker import MAX_AGE_SECONDS, FrameWindow, Tracker
from rtaction.sampling import sliding_selections
from rtaction.video.motion import clip_pictures
from rtaction.video.pixels import prepare_image
from tests.videos import index_image, index_of

SPEC = ModelSpec(("bright", "dark"), 5, 1.0, 8, 8)
AHEAD_SECONDS = 1000.0
"""Frames of live sources lie so far ahead, so that no delay of a busy machine makes them late."""


class Film:
    """Deferred pictures that show their own number.

    Attributes:
        asked: numbers of the pictures that somebody looked at, in order.
    """

    def __init__(self, damaged: Sequence[int] = ()) -> None:
        self.asked: list[int] = []
        self._damaged = set(damaged)

    def frame(self, number: int, at_seconds: float, segment: int = 0) -> FrameLike:
        def make_image() -> npt.NDArray[Any]:
            self.asked.append(number)
            if number in self._damaged:
                raise FrameDamaged
            return index_image(number)

        return DeferredFrame(make_image, at_seconds, number, "film", segment)

    def frames(self, times_seconds: npt.ArrayLike) -> list[FrameLike]:
        times = np.asarray(times_seconds, np.float64).tolist()
        return [self.frame(number, at) for number, at in enumerate(times)]


def flat(at_seconds: float, value: int | npt.NDArray[np.uint8], segment: int = 0) -> FrameLike:
    """A frame of one gray value, or of a given picture."""
    image = np.full((8, 8, 3), value, np.uint8) if isinstance(value, int) else value
    return DeferredFrame(lambda: image, at_seconds, 0, "film", segment)


def noise(seed: int, mean: int = 100) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(mean - 5, mean + 6, (8, 8, 3)).astype(np.uint8)


def whole(window: FrameWindow) -> FrameWindow:
    """The window, once it is sure that no picture of it is missing."""
    assert len(window.values) == len(window.times_seconds) == SPEC.frames_per_clip
    for picture in window.values:
        assert picture.image.shape == SPEC.frame_shape
    return window


def numbers_of(window: FrameWindow) -> list[int]:
    return [index_of(picture.image) for picture in window.values]


def take_all(tracker: Tracker) -> list[FrameWindow]:
    windows = []
    while (window := tracker.take()) is not None:
        windows.append(whole(window))
    return windows


def see_all(tracker: Tracker, frames: Sequence[FrameLike]) -> list[FrameWindow]:
    """All windows of a file."""
    windows = []
    for frame in frames:
        tracker.push(frame)
        windows += take_all(tracker)
    while (last := tracker.take_last()) is not None:
        windows.append(whole(last))
    return windows


def usable(times: npt.NDArray[np.float64], stride_seconds: float) -> list[list[int]]:
    """The windows by the rule that training goes by."""
    selections = sliding_selections(
        times, frames_per_clip=5, clip_seconds=1.0, stride_seconds=stride_seconds
    )
    return [one.indices.tolist() for one in selections if one.problem is None]


@pytest.mark.parametrize("stride_seconds", [None, 0.125, 0.5, 1.0, 3.0])
@pytest.mark.parametrize(
    ("jitter", "most_for_one_needed"),
    # Where two frames are equally near to a moment, which of them it will be is known too late.
    [pytest.param(0.0, 1.51, id="steady"), pytest.param(0.4, 1.05, id="jittered")],
)
@pytest.mark.parametrize("frames_per_second", [25.0, 30.0, 60.0])
def test_few_pictures_are_made(
    frames_per_second: float,
    jitter: float,
    most_for_one_needed: float,
    stride_seconds: float | None,
) -> None:
    """Of 25 pictures a second, a model that takes 4 needs 4."""
    random = np.random.default_rng(0)
    numbers = np.arange(round(60 * frames_per_second))
    times = (numbers + random.uniform(-jitter, jitter, len(numbers))) / frames_per_second
    film = Film()

    windows = see_all(Tracker(SPEC, stride_seconds=stride_seconds), film.frames(times))

    needed = {number for window in windows for number in numbers_of(window)}
    assert needed
    assert len(film.asked) == len(set(film.asked))
    assert needed <= set(film.asked)
    assert len(film.asked) <= most_for_one_needed * len(needed)
    moments_per_second = {0.125: 8.0, 3.0: 5 / 3}.get(stride_seconds or 0.0, 4.0)
    assert len(needed) <= 60 * moments_per_second * 1.02


@pytest.mark.parametrize("stride_seconds", [None, 0.5, 1.0])
def test_a_live_source_is_as_thrifty(stride_seconds: float | None) -> None:
    film = Film()
    tracker = Tracker(SPEC, stride_seconds=stride_seconds, is_live=True)
    start = time.monotonic() + AHEAD_SECONDS
    for number in range(25 * 60):
        if tracker.push(film.frame(number, start + number / 25)):
            assert len(take_all(tracker)) == 1

    assert len(film.asked) <= 1.3 * 4 * 60
    assert tracker.state == "ok"


def test_pictures_are_made_on_the_thread_that_reads() -> None:
    """All but the newest, so that the thread that computes does not wait for decoding."""
    film = Film()
    tracker = Tracker(SPEC)
    for frame in film.frames(np.arange(20) / 20):
        tracker.push(frame)

    assert film.asked == [0, 5, 10, 15]
    assert tracker.push(film.frame(20, 1.0))
    assert film.asked == [0, 5, 10, 15]
    (window,) = take_all(tracker)
    assert film.asked == [0, 5, 10, 15, 20]
    assert numbers_of(window) == [0, 5, 10, 15, 20]


@pytest.mark.parametrize("modality", ["rgb", "gray", "diff", "rgb+diff", "flow_mask"])
def test_pictures_are_as_the_network_wants_them(modality: str) -> None:
    spec = replace(SPEC, modality=modality, resize="letterbox", height=10, width=6)
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (spec.frames_per_window, 24, 32, 3)).astype(np.uint8)
    tracker = Tracker(spec)
    for number, image in enumerate(images):
        tracker.push(flat(number / 4, image))

    window = tracker.take()

    assert window is not None
    prepared = [prepare_image(i, (10, 6), base=spec.base, resize="letterbox") for i in images]
    expected = clip_pictures(np.stack(prepared), modality)
    assert len(expected) == 5
    assert np.array_equal(np.stack([picture.image for picture in window.values]), expected)
    assert window.times_seconds == tuple(np.arange(spec.frames_per_window) / 4)


def test_what_came_is_let_go_once_the_small_picture_is_made() -> None:
    tracker = Tracker(SPEC)
    frames = [flat(number / 4, np.full((24, 32, 3), number, np.uint8)) for number in range(5)]
    left = [weakref.ref(frame.image) for frame in frames]
    for frame in frames:
        tracker.push(frame)
    assert tracker.take() is not None

    del frames, frame

    assert [reference() for reference in left] == [None] * 5


def test_windows_share_the_motion_between_two_frames() -> None:
    spec = replace(SPEC, modality="diff")
    tracker = Tracker(spec)
    windows = []
    for number in range(8):
        tracker.push(flat(number / 4, noise(number)))
        while (window := tracker.take()) is not None:
            windows.append(window)

    assert len(windows) == 3
    for earlier, later in pairwise(windows):
        assert earlier.values[1:] == later.values[:-1]  # the same pictures, compared by identity


def test_motion_is_computed_anew_where_another_frame_comes_before() -> None:
    # Of 4 pictures a second, windows every 0.125 s take the even and the odd frames in turn.
    spec = replace(SPEC, modality="diff")
    tracker = Tracker(spec, stride_seconds=0.125)
    images = [noise(number) for number in range(20)]
    windows = []
    for number, image in enumerate(images):
        tracker.push(flat(number / 8, image))
        while (window := tracker.take()) is not None:
            windows.append(window)

    assert len(windows) > 5
    for start, window in enumerate(windows):
        shades = [prepare_image(i, (8, 8), base="gray") for i in images[start : start + 11 : 2]]
        expected = clip_pictures(np.stack(shades), "diff")
        assert np.array_equal(np.stack([picture.image for picture in window.values]), expected)


STEADY = st.builds(
    lambda rate, count, first: first + np.arange(count) / rate,
    st.sampled_from([4.0, 5.0, 10.0, 12.5, 15.0, 24.0, 25.0, 29.97, 30.0, 60.0]),
    st.integers(1, 150),
    st.sampled_from([0.0, 1000.1, 1e6 / 3]),
)
VARIABLE = st.lists(
    st.sampled_from([0.01, 0.0333, 0.04, 0.1, 0.25, 0.3, 0.7, 1.0, 1.2]), min_size=1, max_size=120
).map(lambda gaps: 50.0 + np.cumsum(gaps))
JITTERED = st.builds(
    lambda seed, rate: (
        np.arange(100) / rate + np.random.default_rng(seed).uniform(-0.49, 0.49, 100) / rate
    ),
    st.integers(0, 10**6),
    st.sampled_from([5.0, 10.0, 25.0, 60.0]),
)
TIMES = STEADY | VARIABLE | JITTERED
STRIDES = st.sampled_from([0.04, 0.1, 0.25, 0.3, 0.5, 1.0, 2.7])


@given(times=TIMES, stride_seconds=STRIDES)
def test_windows_are_those_of_the_sampling_rule(
    times: npt.NDArray[np.float64], stride_seconds: float
) -> None:
    film = Film()
    tracker = Tracker(SPEC, stride_seconds=stride_seconds)

    windows = see_all(tracker, film.frames(times))

    assert [numbers_of(window) for window in windows] == usable(times, stride_seconds)
    assert len(film.asked) == len(set(film.asked))
    for window in windows:
        assert window.times_seconds == tuple(times[numbers_of(window)])


@given(
    times=TIMES,
    stride_seconds=STRIDES,
    damaged=st.sets(st.integers(0, 149), max_size=40),
    breaks=st.sets(st.integers(0, 149), max_size=3),
    is_live=st.booleans(),
    patience=st.integers(1, 9),
)
def test_no_window_holds_a_missing_picture_or_those_of_two_runs(
    times: npt.NDArray[np.float64],
    stride_seconds: float,
    damaged: set[int],
    breaks: set[int],
    is_live: bool,
    patience: int,
) -> None:
    """Whatever comes, and however seldom somebody asks."""
    film = Film(list(damaged))
    tracker = Tracker(SPEC, stride_seconds=stride_seconds, is_live=is_live)
    start = time.monotonic() + AHEAD_SECONDS
    runs = np.cumsum([number in breaks for number in range(len(times))])
    windows = []
    for number, at_seconds in enumerate(times):
        tracker.push(film.frame(number, start + at_seconds, int(runs[number])))
        if number % patience == 0:
            windows += take_all(tracker)
    windows += take_all(tracker)
    while (last := tracker.take_last()) is not None:
        windows.append(whole(last))

    for window in windows:
        numbers = numbers_of(window)
        assert not damaged & set(numbers)
        assert len({int(runs[number]) for number in numbers}) == 1
        assert numbers == sorted(numbers)
        assert window.times_seconds == tuple(start + times[numbers])
    assert tracker.drops["damaged"] == len(damaged & set(film.asked))
    assert len(film.asked) == len(set(film.asked))


def test_a_window_with_a_damaged_picture_is_not_judged() -> None:
    film = Film(damaged=[4])
    tracker = Tracker(SPEC)
    for frame in film.frames(np.arange(5) / 4):
        tracker.push(frame)

    assert tracker.take() is None
    states = [tracker.state]
    assert tracker.drops == {"damaged": 1, "degraded": 1}
    # At four pictures a second there is no other for its moment.
    for number in range(5, 9):
        tracker.push(film.frame(number, number / 4))
    assert take_all(tracker) == []
    for number in range(9, 11):
        tracker.push(film.frame(number, number / 4))
    assert [numbers_of(window) for window in take_all(tracker)] == [
        [5, 6, 7, 8, 9],
        [6, 7, 8, 9, 10],
    ]
    assert [*states, tracker.state] == ["degraded", "ok"]


def test_a_neighbour_stands_in_for_a_damaged_picture() -> None:
    film = Film(damaged=[10])
    tracker = Tracker(SPEC)

    (window,) = see_all(tracker, film.frames(np.arange(21) / 20))

    assert numbers_of(window) == [0, 5, 11, 15, 20]
    assert tracker.drops["damaged"] == 1


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        pytest.param([0.0, 0.25, 0.5], "warming_up", id="too early"),
        pytest.param([0.0, 0.25, 0.5, 0.75, 1.0], "ok", id="full"),
        pytest.param([0.0, 0.1, 0.2, 0.9, 1.0], "degraded", id="a hole"),
        pytest.param([0.0, 0.5, 1.0], "degraded", id="too few"),
        pytest.param([0.0, 0.25, 0.5, 0.75, 1.0, 2.5], "warming_up", id="a silence"),
        pytest.param([5.0, 5.25, 5.5, 5.75, 6.0, 0.0], "warming_up", id="back in time"),
    ],
)
def test_states_of_time(times: list[float], expected: State) -> None:
    tracker = Tracker(SPEC)
    for frame in Film().frames(times):
        tracker.push(frame)
        take_all(tracker)

    assert tracker.state == expected


def test_it_begins_by_warming_up() -> None:
    tracker = Tracker(SPEC)

    assert (tracker.state, tracker.source, tracker.take()) == ("warming_up", "", None)
    assert tracker.take_last() is None
    assert not tracker.push(Film().frame(0, 0.0))
    assert tracker.source == "film"


@pytest.mark.parametrize(
    ("is_camera", "value", "expected"),
    [
        pytest.param(True, noise(0, mean=6), "black", id="a lens cap"),
        pytest.param(True, 0, "black", id="no signal"),
        pytest.param(False, 0, "ok", id="a film may be black"),
        pytest.param(True, 100, "frozen", id="a camera that hangs"),
        pytest.param(False, 100, "ok", id="a film may stand still"),
    ],
)
def test_pictures_that_say_nothing(
    is_camera: bool, value: int | npt.NDArray[np.uint8], expected: State
) -> None:
    tracker = Tracker(SPEC, is_camera=is_camera)
    for number in range(5):
        tracker.push(flat(number / 4, value))

    window = tracker.take()

    assert tracker.state == expected
    assert (window is None) is (expected != "ok")
    assert tracker.drops[expected] == (expected != "ok")


def test_a_dark_room_is_not_black() -> None:
    """There is noise, and a lamp somewhere."""
    tracker = Tracker(SPEC, is_camera=True)
    for number in range(5):
        image = noise(number, mean=6)
        image[0, 0] = 200
        tracker.push(flat(number / 4, image))

    assert tracker.take() is not None
    assert tracker.state == "ok"


def test_a_still_scene_is_not_frozen() -> None:
    tracker = Tracker(SPEC, is_camera=True)
    for number in range(5):
        tracker.push(flat(number / 4, noise(number)))

    assert tracker.take() is not None
    assert tracker.state == "ok"


def test_one_black_picture_spoils_the_windows_it_is_in() -> None:
    tracker = Tracker(SPEC, is_camera=True)
    states = []
    for number in range(15):
        tracker.push(flat(number / 4, 0 if number == 6 else noise(number)))
        take_all(tracker)
        states.append(tracker.state)

    assert states == ["warming_up"] * 4 + ["ok"] * 2 + ["black"] * 5 + ["ok"] * 4


def test_a_camera_that_hangs_and_goes_on() -> None:
    """A few equal pictures may be chance or a slow camera; half a window of them is not."""
    tracker = Tracker(SPEC, is_camera=True)
    states = []
    for number in range(16):
        tracker.push(flat(number / 4, noise(min(number, 5) if number < 10 else number)))
        take_all(tracker)
        states.append(tracker.state)

    assert states == ["warming_up"] * 4 + ["ok"] * 3 + ["frozen"] * 3 + ["ok"] * 6
    assert tracker.drops["frozen"] == 3


@pytest.mark.parametrize(("is_live", "expected"), [(True, "late"), (False, "ok")])
def test_a_picture_of_the_past_is_late_where_the_source_is_live(
    is_live: bool, expected: State
) -> None:
    tracker = Tracker(SPEC, is_live=is_live)
    start = time.monotonic() - MAX_AGE_SECONDS - 1.5
    for frame in Film().frames(start + np.arange(5) / 4):
        tracker.push(frame)

    window = tracker.take()

    assert (window is None) is (expected == "late")
    assert tracker.state == expected
    assert tracker.drops["late"] == (expected == "late")


@pytest.mark.parametrize("how", ["run", "clear"])
def test_pictures_of_two_runs_share_no_window(how: str) -> None:
    film = Film()
    tracker = Tracker(SPEC)
    ends = []
    states = []
    for number in range(50):
        at_seconds = number / 20
        if how == "clear" and number == 25:
            tracker.clear()
        run = int(how == "run" and number >= 25)
        tracker.push(film.frame(number, at_seconds, run))
        states.append(tracker.state)
        ends += [(window.end_seconds, numbers_of(window)) for window in take_all(tracker)]

    assert [end for end, _ in ends] == pytest.approx([1.0, 2.25])
    assert [numbers for _, numbers in ends] == [[0, 5, 10, 15, 20], [25, 30, 35, 40, 45]]
    assert states[24:26] == ["ok", "warming_up"]


def test_clearing_forgets_what_was_due() -> None:
    tracker = Tracker(SPEC)
    for frame in Film().frames(np.arange(5) / 4):
        tracker.push(frame)

    tracker.clear()

    assert (tracker.take(), tracker.take_last(), tracker.state) == (None, None, "warming_up")


def test_a_live_source_gives_its_newest_window_and_counts_the_others() -> None:
    film = Film()
    live, patient = Tracker(SPEC, is_live=True), Tracker(SPEC)
    start = time.monotonic() + AHEAD_SECONDS
    for number in range(9):
        for tracker in (live, patient):
            tracker.push(film.frame(number, start + number / 4))

    assert [numbers_of(window) for window in take_all(live)] == [[4, 5, 6, 7, 8]]
    assert live.drops == {"skipped": 4}
    assert len(take_all(patient)) == 5
    assert patient.drops["skipped"] == 0


@pytest.mark.parametrize("busy_seconds", [0.37, 0.8, 1.7])
def test_under_overload_every_window_ends_in_the_present(busy_seconds: float) -> None:
    """The engine comes but seldom, and waits for a window that is fresh."""
    film = Film()
    tracker = Tracker(SPEC, is_live=True)
    start = time.monotonic() + AHEAD_SECONDS
    asked_seconds = start + 1.37
    behind_seconds, ends = [], []
    for number in range(25 * 60):
        at_seconds = start + number / 25
        tracker.push(film.frame(number, at_seconds))
        if at_seconds < asked_seconds:
            continue
        for window in take_all(tracker):
            behind_seconds.append(at_seconds - window.times_seconds[-1])
            ends.append(window.end_seconds)
            asked_seconds = at_seconds + busy_seconds

    # It never waits longer than a stride and a frame.
    assert len(ends) > 58 / (busy_seconds + 0.25 + 0.04) - 1
    assert max(behind_seconds) <= 0.05 + 0.04 + 0.02 + 1e-6
    assert min(after - before for before, after in pairwise(ends)) > busy_seconds - 0.1
    # Windows are only given up, not moved: they need the same 4 of 25 pictures a second as ever.
    assert len(film.asked) <= 60 * 4 * 1.3
    assert tracker.drops["skipped"] > 10
    assert tracker.drops["degraded"] + tracker.drops["warming_up"] == 0


def watched_together(
    first_seconds: Sequence[float], busy_seconds: float, *, run_seconds: float = 30.0
) -> list[int]:
    """How many windows each of several cameras gets from one engine, by a clock of our own.

    Args:
        first_seconds: times of their first frames; 25 a second follow.
        busy_seconds: how long the engine computes for whatever it took, however many.
        run_seconds: length of it all.
    """
    trackers = [Tracker(SPEC, is_live=True) for _ in first_seconds]
    film, start = Film(), time.monotonic() + AHEAD_SECONDS
    arrivals = sorted(
        (first + number / 25, which, number)
        for which, first in enumerate(first_seconds)
        for number in range(round(run_seconds * 25))
    )
    counts = [0] * len(trackers)
    busy_until_seconds = 0.0
    for at_seconds, which, number in arrivals:
        if at_seconds >= busy_until_seconds:
            taken = [len(take_all(tracker)) for tracker in trackers]
            counts = [before + new for before, new in zip(counts, taken, strict=True)]
            if any(taken):
                busy_until_seconds = at_seconds + busy_seconds
        trackers[which].push(film.frame(number, start + at_seconds))
    return counts


@pytest.mark.parametrize("busy_seconds", [0.05, 0.1, 0.15, 0.2, 0.24, 0.3])
@pytest.mark.parametrize(
    "first_seconds", [(0.0, 0.05), (0.0, 0.1), (0.0, 0.12), (0.0, 0.06, 0.12, 0.18)]
)
def test_cameras_out_of_step_each_have_their_turn(
    first_seconds: tuple[float, ...], busy_seconds: float
) -> None:
    """Those whose windows end while the engine computes for another must not be passed over."""
    counts = watched_together(first_seconds, busy_seconds)

    # Of 117 windows in 29 s, each camera gets a good part of what fits between two others'.
    assert min(counts) >= 0.6 * min(29.0 / (2 * busy_seconds), 116)


def test_a_window_that_ends_with_the_last_frame_still_shown() -> None:
    tracker = Tracker(SPEC)
    for frame in Film().frames(np.arange(20) / 20):
        tracker.push(frame)

    assert tracker.take() is None
    window = tracker.take_last()
    assert window is not None
    assert numbers_of(window) == [0, 5, 10, 15, 19]
    assert tracker.take_last() is None


def test_frames_are_kept_only_where_they_are_wanted() -> None:
    for keeps in (False, True):
        tracker = Tracker(SPEC, keep_frames=keeps)
        windows: list[FrameWindow] = []
        for frame in Film().frames(np.arange(80) / 25):
            tracker.push(frame)
            windows += take_all(tracker)
        shown = [None if one.frame is None else index_of(one.frame.image) for one in windows]
        expected = [round(one.times_seconds[-1] * 25) if keeps else None for one in windows]
        assert len(windows) == 9
        assert shown == expected


@pytest.mark.parametrize("is_live", [False, True])
@pytest.mark.parametrize("stride_seconds", [0.04, 0.25, 0.7])
@pytest.mark.parametrize("picture", ["noise", "black"])
def test_few_images_are_kept_for_predictions(
    is_live: bool, stride_seconds: float, picture: str
) -> None:
    images: weakref.WeakSet[Any] = weakref.WeakSet()
    random = np.random.default_rng(0)

    class Picture(np.ndarray[Any, Any]):
        """An array that a weak set takes."""

        __hash__ = object.__hash__  # type: ignore[assignment]

        def __eq__(self, other: object) -> bool:
            return self is other

    def make_image() -> npt.NDArray[Any]:
        image = np.zeros((16, 16, 3), np.uint8)
        if picture == "noise":
            image += random.integers(90, 110, image.shape, np.uint8)
        images.add(kept := image.view(Picture))
        return kept

    tracker = Tracker(
        SPEC,
        stride_seconds=stride_seconds,
        is_live=is_live,
        is_camera=is_live,
        keep_frames=True,
    )
    now_seconds = time.monotonic() + AHEAD_SECONDS
    most = num_windows = 0
    for number in range(200):
        tracker.push(DeferredFrame(make_image, now_seconds + number / 25, number, "film"))
        num_windows += len(take_all(tracker))
        most = max(most, len(images))

    assert (num_windows == 0) == (is_live and picture == "black")
    assert 1 <= most <= 3


def test_a_stalled_network_keeps_the_images_of_a_second() -> None:
    made: list[int] = []
    frames = Film().frames(time.monotonic() + AHEAD_SECONDS + np.arange(501) / 25)
    tracker = Tracker(SPEC, is_live=True, keep_frames=True)
    for frame in frames:
        tracker.push(frame)
        made.append(len(tracker._kept))

    assert max(made) <= MAX_AGE_SECONDS / SPEC.frame_interval_seconds + 2
    window = tracker.take()
    assert window is not None
    assert window.frame is not None
    assert index_of(window.frame.image) == index_of(window.values[-1].image)


STACKED = ModelSpec(("bright", "dark"), 3, 1.0, 8, 8, modality="rgb+flow_stack")


@pytest.mark.parametrize("frames_per_second", [12.5, 25.0, 30.0, 60.0])
def test_stacks_are_those_of_the_sampling_rule(frames_per_second: float) -> None:
    times = np.arange(round(5 * frames_per_second)) / frames_per_second
    film, tracker = Film(), Tracker(STACKED)
    windows = []
    for frame in film.frames(times):
        tracker.push(frame)
        windows += tracker.due()
    windows += tracker.due(has_ended=True)
    selections = sliding_selections(
        times,
        frames_per_clip=18,
        clip_seconds=STACKED.window_seconds,
        stride_seconds=0.5,
        stack=STACKED.stack,
    )
    assert len(windows) == len(selections) == 8
    for window, selection in zip(windows, selections, strict=True):
        assert window.times_seconds == tuple(times[selection.indices])
        images = np.stack([index_image(number) for number in selection.indices.tolist()])
        expected = clip_pictures(images, STACKED.modality)
        assert np.array_equal(np.stack([one.image for one in window.values]), expected)
    # Only what a stack needs is looked at, and each picture is made once.
    assert len(film.asked) == len(set(film.asked))
    needed = {int(index) for one in selections for index in one.indices}
    assert needed <= set(film.asked)
    assert len(film.asked) <= 1.6 * len(needed)
    made = {id(picture) for window in windows for picture in window.values}
    assert len(made) == len(windows) + 2


def test_a_camera_that_is_too_slow_for_stacks_is_degraded() -> None:
    tracker = Tracker(STACKED)
    assert see_all(tracker, Film().frames(np.arange(0, 5, 1 / 5))) == []
    assert tracker.state == "degraded"
