"""Who is decoded while there is too little time for all, by a clock that the tests turn."""

from __future__ import annotations

import heapq
from collections import deque
from itertools import pairwise

import pytest

from rtaction.realtime.sources.turns import Turn, Turns

PERIOD_SECONDS = 0.04
WINDOW_SECONDS = 2.0
TURN_SECONDS = 4.0
LATEST_SECONDS = 1.0


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def entered(turns: Turns, num_cameras: int) -> list[Turn]:
    members = [turns.join() for _ in range(num_cameras)]
    for turn in members:
        turn.enter()
    return members


def short_of_time(turn: Turn) -> None:
    """Let a camera fall behind within its turn."""
    assert not turn.goes_on(0.95)


def test_all_are_decoded_while_all_keep_up(clock: Clock) -> None:
    turns = Turns(TURN_SECONDS, clock=clock)
    members = entered(turns, 4)
    for _ in range(1000):
        clock.seconds += PERIOD_SECONDS
        assert all(turn.goes_on(0.3) for turn in members)

    assert turns.num_at_once is None
    assert not any(turn.is_waiting for turn in members)


def test_who_falls_behind_after_its_turn_begins_again_with_its_next_key_frame(
    clock: Clock,
) -> None:
    """Decoding it all is nearly possible; skipping what has piled up costs less than waiting."""
    turns = Turns(TURN_SECONDS, clock=clock)
    members = entered(turns, 4)
    clock.seconds += TURN_SECONDS

    assert not members[0].goes_on(0.6)
    assert members[0].is_waiting
    assert members[0].nap_seconds == 0.0
    assert all(turn.goes_on(0.1) for turn in members[1:])
    assert members[0].begin()
    assert turns.num_at_once is None


def test_who_falls_behind_within_its_turn_tells_that_they_are_too_many(clock: Clock) -> None:
    turns = Turns(TURN_SECONDS, clock=clock)
    members = entered(turns, 6)
    clock.seconds += 1.0
    short_of_time(members[0])

    assert turns.num_at_once == 4
    assert [turn.is_waiting for turn in members] == [True, *[False] * 5]
    # A turn that has lasted long enough ends as somebody waits.
    clock.seconds += TURN_SECONDS - 1.5
    assert members[1].goes_on(0.4)
    clock.seconds += 1.0
    assert [turn.goes_on(0.4) for turn in members[1:3]] == [False, False]
    # It had no time for a label, and is first; who is to wait longer need not look.
    assert not members[1].begin()
    assert members[0].begin()
    assert (members[1].nap_seconds, members[2].nap_seconds) == (0.0, 1.0)


def test_who_fails_again_lets_the_others_pass(clock: Clock) -> None:
    """A camera may be too much for this machine all by itself."""
    turns = Turns(TURN_SECONDS, clock=clock)
    members = entered(turns, 3)
    for turn in members:
        short_of_time(turn)
    assert turns.num_at_once == 2
    heavy, *others = reversed(members)
    clock.seconds += 3.0
    assert heavy.begin()
    short_of_time(heavy)
    clock.seconds += 3.0

    assert all(turn.begin() for turn in others[:1])
    assert turns.num_at_once == 1
    assert not heavy.begin()


def test_those_that_fall_behind_together_are_one_shortage(clock: Clock) -> None:
    turns = Turns(TURN_SECONDS, clock=clock)
    for turn in entered(turns, 9):
        clock.seconds += 0.1
        short_of_time(turn)

    assert turns.num_at_once == 6


def test_what_was_one_too_many_is_tried_less_and_less_often(clock: Clock) -> None:
    turns = Turns(TURN_SECONDS, clock=clock)
    members = entered(turns, 4)
    short_of_time(members[0])
    limits: list[int | None] = []
    tried_seconds = []
    for _ in range(round(600 / PERIOD_SECONDS)):
        clock.seconds += PERIOD_SECONDS
        for turn in members:
            if turn.is_waiting:
                _ = turn.nap_seconds
                turn.begin()
            else:
                num_decoding = sum(not one.is_waiting for one in members)
                turn.goes_on(0.1 if num_decoding <= 2 else 0.6)
            if limits and turns.num_at_once != limits[-1] == 2:
                tried_seconds.append(clock.seconds)
            limits.append(turns.num_at_once)

    assert set(limits) == {2, 3}
    tries = [b - a for a, b in pairwise(tried_seconds)]
    assert tries[0] < 20.0
    assert tries[-1] > 55.0


def test_all_are_decoded_again_once_there_is_time(clock: Clock) -> None:
    turns = Turns(TURN_SECONDS, clock=clock)
    members = entered(turns, 4)
    short_of_time(members[0])
    limits = [turns.num_at_once]
    for _ in range(round(60 / PERIOD_SECONDS)):
        clock.seconds += PERIOD_SECONDS
        for turn in members:
            if turn.is_waiting:
                _ = turn.nap_seconds
                turn.begin()
            else:
                turn.goes_on(0.1)
        limits.append(turns.num_at_once)

    assert limits[0] == 2
    assert limits[-1] is None
    assert not any(turn.is_waiting for turn in members)


def test_who_comes_later_waits_as_well(clock: Clock) -> None:
    turns = Turns(TURN_SECONDS, clock=clock)
    members = entered(turns, 4)
    short_of_time(members[0])
    newcomer = turns.join()
    newcomer.enter()

    assert newcomer.is_waiting
    newcomer.leave()
    assert not newcomer.is_waiting


def test_a_camera_without_key_frames_holds_nobody_up(clock: Clock) -> None:
    turns = Turns(TURN_SECONDS, clock=clock)
    mute, *others = entered(turns, 3)
    short_of_time(mute)
    assert turns.num_at_once == 2
    clock.seconds += 3.0
    for turn in others:
        short_of_time(turn)
    assert turns.num_at_once == 1
    decoded_seconds = dict.fromkeys(others, 0.0)
    for _ in range(round(90 / PERIOD_SECONDS)):
        clock.seconds += PERIOD_SECONDS
        for turn in others:
            if not turn.is_waiting:
                decoded_seconds[turn] += PERIOD_SECONDS
                # Two are too many.
                turn.goes_on(0.1 if sum(not one.is_waiting for one in others) == 1 else 0.6)
            else:
                turn.begin()

    assert mute.is_waiting
    assert all(seconds > 10.0 for seconds in decoded_seconds.values())


class Fleet:
    """Cameras whose frames one processor reads and decodes, one after the other.

    It stands for `StreamSource`: what is not decoded is read, and a turn begins with a current key
    frame. Frames that are decoded without a gap for the length of a window, and not too late, give
    a window.

    Attributes:
        windows: the times of each camera's windows.
    """

    def __init__(
        self, num_cameras: int, clock: Clock, *, decode_seconds: float, key_every: int = 50
    ) -> None:
        self.windows: list[list[float]] = [[] for _ in range(num_cameras)]
        self._clock, self._decode_seconds, self._key_every = clock, decode_seconds, key_every
        self._queues: list[deque[tuple[float, bool]]] = [deque() for _ in range(num_cameras)]
        self._read_seconds = decode_seconds / 30
        self._turns = entered(Turns(TURN_SECONDS, clock=clock), num_cameras)
        self._since_seconds: list[float | None] = [None] * num_cameras

    def run(self, seconds: float) -> None:
        began_seconds = self._clock.seconds
        arrivals = [
            (began_seconds + camera * 0.007, camera, 7 * camera)
            for camera in range(len(self._queues))
        ]
        heapq.heapify(arrivals)
        ready: deque[int] = deque(range(len(self._queues)))
        while self._clock.seconds < began_seconds + seconds:
            while arrivals and arrivals[0][0] <= self._clock.seconds:
                at_seconds, camera, number = heapq.heappop(arrivals)
                self._queues[camera].append((at_seconds, number % self._key_every == 0))
                heapq.heappush(arrivals, (at_seconds + PERIOD_SECONDS, camera, number + 1))
            busy = next((camera for camera in ready if self._queues[camera]), None)
            if busy is None:
                self._clock.seconds = arrivals[0][0]
                continue
            ready.remove(busy)
            ready.append(busy)
            self._handle(busy, *self._queues[busy].popleft())

    def _handle(self, camera: int, at_seconds: float, is_key: bool) -> None:
        turn = self._turns[camera]
        self._clock.seconds += self._read_seconds
        if turn.is_waiting:
            self._since_seconds[camera] = None
            is_current = self._clock.seconds - at_seconds < 0.2
            if turn.nap_seconds or not (is_current and is_key and turn.begin()):
                return
        self._clock.seconds += self._decode_seconds
        late_seconds = self._clock.seconds - at_seconds
        since_seconds = self._since_seconds[camera]
        self._since_seconds[camera] = at_seconds if since_seconds is None else since_seconds
        if (
            since_seconds is not None
            and at_seconds - since_seconds >= WINDOW_SECONDS
            and late_seconds <= LATEST_SECONDS
        ):
            self.windows[camera].append(at_seconds)
        turn.goes_on(late_seconds)


@pytest.mark.parametrize(
    ("num_cameras", "needed"),
    # What one camera takes alone must stay below 1, or its windows would be old.
    [(1, 0.5), (1, 0.9), (4, 0.9), (4, 1.2), (4, 2.0), (4, 3.0), (16, 3.0), (16, 6.0), (16, 8.0)],
)
def test_every_camera_has_its_windows_however_little_time_there_is(
    num_cameras: int, needed: float, clock: Clock
) -> None:
    """`needed` is the time that decoding all takes, by the time that there is."""
    decode_seconds = needed * PERIOD_SECONDS / num_cameras
    fleet = Fleet(num_cameras, clock, decode_seconds=decode_seconds)
    fleet.run(60.0)
    settled_seconds = clock.seconds
    fleet.run(300.0)

    # A turn of every camera and the wait for its key frame; some turns fail.
    longest_seconds = 2.5 * num_cameras * (TURN_SECONDS + 2.0)
    assert longest_seconds < 300.0
    for times in fleet.windows:
        late = [at for at in times if at > settled_seconds]
        waits = [b - a for a, b in pairwise([settled_seconds, *late, clock.seconds])]
        assert max(waits) < longest_seconds
    total = sum(at > settled_seconds for times in fleet.windows for at in times)
    possible = min(1.0, 1.0 / needed) * num_cameras * 300.0 / PERIOD_SECONDS
    assert total > 0.15 * possible
