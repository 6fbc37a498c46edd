"""The course of a session, by the clock of the camera's pictures alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rtaction.teach.recorder import Quota, Recorder

PERIOD_SECONDS = 0.05


class Session:
    """A recorder and a clock."""

    def __init__(self, *quotas: Quota, seed: int = 0) -> None:
        self.recorder = Recorder(quotas, take_seconds=3.0, seed=seed)
        self.now = 100.0
        self.told: list[tuple[str, str, float]] = []

    def until(self, is_so: Callable[[], bool]) -> None:
        while not is_so():
            assert self.now < 1000
            self.now += PERIOD_SECONDS
            label = self.recorder.quota.label
            step = self.recorder.see(self.now)
            if step is not None:
                self.told.append((step, label, self.now))

    def until_phase(self, phase: str) -> None:
        self.until(lambda: self.recorder.phase == phase)


def test_takes_follow_each_other_with_varied_times() -> None:
    session = Session(Quota("wave", 0, 3), Quota("nothing", 1, 3))
    session.until(lambda: session.recorder.is_over)

    steps = [(step, label) for step, label, _ in session.told]
    assert (
        steps
        == [("begin", "wave"), ("end", "wave")] * 3
        + [
            ("begin", "nothing"),
            ("end", "nothing"),
        ]
        * 2
    )
    times = [at for *_, at in session.told]
    lengths = [end - begin for begin, end in zip(times[::2], times[1::2], strict=True)]
    countdowns = [begin - end for end, begin in zip(times[1::2], times[2::2], strict=False)]
    assert all(2.5 <= length <= 4.0 for length in lengths)
    assert len({round(length, 1) for length in lengths}) > 2
    assert times[0] == pytest.approx(105.05, abs=0.11)
    assert countdowns[2] == pytest.approx(5.0, abs=0.11)  # a new label
    assert all(1.4 <= countdowns[i] <= 2.6 for i in (0, 1, 3))
    assert [quota.done for quota in session.recorder.quotas] == [3, 3]


def test_one_seed_gives_one_timing() -> None:
    sessions = [Session(Quota("wave", 0, 3), seed=seed) for seed in (1, 1, 2)]
    for session in sessions:
        session.until(lambda recorder=session.recorder: recorder.is_over)  # type: ignore[misc]
    assert sessions[0].told == sessions[1].told != sessions[2].told


def test_again_drops_the_take_that_is_on_and_counts_down_anew() -> None:
    session = Session(Quota("wave", 0, 2))
    session.until_phase("recording")
    assert session.recorder.again() == "drop"
    assert session.recorder.phase == "countdown"
    session.until(lambda: session.recorder.is_over)
    assert session.recorder.quota.done == 2


@pytest.mark.parametrize(("key", "num_wanted"), [("again", 2), ("delete", 1)])
def test_the_last_take_is_deleted_even_when_the_next_label_is_on(key: str, num_wanted: int) -> None:
    session = Session(Quota("wave", 0, 2), Quota("clap", 0, 1))
    session.until(lambda: session.recorder.quota.label == "clap")
    assert getattr(session.recorder, key)() == "delete"
    assert session.recorder.quota == Quota("wave", 1, num_wanted)
    session.until(lambda: session.recorder.is_over)
    assert [quota.done for quota in session.recorder.quotas] == [num_wanted, 1]


def test_takes_of_earlier_sessions_are_safe() -> None:
    session = Session(Quota("wave", 5, 6))
    assert session.recorder.again() is None
    assert session.recorder.delete() is None
    assert session.recorder.quota == Quota("wave", 5, 6)


def test_next_label_and_pause() -> None:
    session = Session(Quota("wave", 0, 2), Quota("clap", 0, 1))
    session.until_phase("recording")
    assert session.recorder.pause() == "drop"
    session.told.clear()
    for _ in range(400):
        assert session.recorder.see(session.now) is None
        session.now += PERIOD_SECONDS
    assert session.recorder.pause() is None
    session.until_phase("recording")
    assert session.recorder.next_label() == "drop"
    assert session.recorder.quota.label == "clap"
    assert session.recorder.next_label() is None
    assert session.recorder.is_over
    assert session.recorder.next_label() is None
    assert session.recorder.quota.label == "clap"


def test_a_take_deleted_in_a_pause_leaves_it_a_pause() -> None:
    session = Session(Quota("wave", 0, 2))
    session.until(lambda: session.recorder.quota.done == 1)
    session.recorder.pause()
    assert session.recorder.delete() == "delete"
    assert session.recorder.phase == "paused"


def test_nothing_to_do_is_over_at_once() -> None:
    assert Recorder([Quota("wave", 10, 10)]).is_over
