"""What cameras and networks do to a watch, on real sockets; `pytest -s` prints the margins.

Limits of time are those that were promised, and `SLACK_SECONDS` for a busy machine.
"""

from __future__ import annotations

import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise

import numpy as np
import psutil
import pytest

from rtaction.errors import SourceRefused, SourceUnreachable, SourceUnreadable, StreamMissing
from rtaction.model_spec import ModelSpec
from rtaction.realtime.watching.back_off import BackOff
from tests.realtime.clock_picture import clock_picture
from tests.realtime.conftest import WAIT_SECONDS
from tests.realtime.servers.fault_server import FaultServer
from tests.realtime.servers.steered_server import SteeredServer
from tests.realtime.servers.stream_client import until
from tests.realtime.watcher import (
    LEAVING_SECONDS,
    SLACK_SECONDS,
    ClockScorer,
    Watching,
    serving,
    tell,
)

DOWN_SECONDS = 3.5
BACK_SECONDS = 3.0
"""From the try that succeeds to the first picture."""
BURST_SECONDS = 1.0
"""Spares a client the time it would take to look at the first pictures."""


@pytest.fixture
def scorer(tiny_spec: ModelSpec) -> ClockScorer:
    return ClockScorer(tiny_spec)


@contextmanager
def never_accepting() -> Iterator[str]:
    """The address of a half-open peer: its kernel shakes hands, and nobody is there."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"rtsp://127.0.0.1:{listener.getsockname()[1]}/live"


FAULTS: tuple[Callable[[SteeredServer], None], ...] = (
    SteeredServer.stall,
    SteeredServer.blackhole,
    SteeredServer.reset,
    SteeredServer.hang_up,
    SteeredServer.refuse,
)


@pytest.mark.slow
def test_every_fault_is_told_and_can_be_left(scorer: ClockScorer) -> None:
    """Several watches on the same cameras: one stays, the others leave at their own moment."""
    leave_after_seconds = [0.05, 1.5, 2.95, 5.5]
    real = BackOff()
    with never_accepting() as half_open, serving(len(FAULTS) + 1, frames_per_second=5) as servers:
        mute = servers[-1]
        mute.blackhole()
        urls = [*(server.url() for server in servers), half_open]
        # What hangs in the opening from the start must be told and left as well.
        watches = [Watching(scorer, urls, back_off=real) for _ in leave_after_seconds]
        staying = watches[-1]
        staying.until_labels(*range(len(FAULTS)))
        broken_seconds = time.monotonic()
        for fault, server in zip(FAULTS, servers, strict=False):
            fault(server)

        leaving = []
        for watch, after_seconds in zip(watches, leave_after_seconds, strict=True):
            time.sleep(max(broken_seconds + after_seconds - time.monotonic(), 0.0))
            leaving.append(watch.leave())

    for source, name in enumerate([fault.__name__ for fault in FAULTS]):
        down_seconds = staying.changed("down", broken_seconds, source).at_seconds - broken_seconds
        tell(f"{name}, down after", seconds=down_seconds)
        assert down_seconds < DOWN_SECONDS + SLACK_SECONDS
        over = [p for p in staying.of(source) if p.start_seconds < broken_seconds]
        assert max(p.end_seconds for p in over) < broken_seconds + 0.3
    for source, name in ((len(FAULTS), "mute"), (len(FAULTS) + 1, "half-open")):
        down_seconds = staying.changed("down", 0.0, source).at_seconds - staying.started_seconds
        tell(f"{name} from the start, down after", seconds=down_seconds)
        assert down_seconds < DOWN_SECONDS + SLACK_SECONDS
    for after_seconds, seconds in zip(leave_after_seconds, leaving, strict=True):
        tell(f"left {after_seconds} s after the faults in", seconds=seconds)
        assert seconds < LEAVING_SECONDS


@pytest.mark.slow
def test_a_camera_that_comes_back(scorer: ClockScorer) -> None:
    """After 1 s, with the waits of a real run, and after more of them with shorter ones."""
    with serving(3, burst_seconds=BURST_SECONDS) as servers, ExitStack() as stack:
        real = stack.enter_context(Watching(scorer, [servers[0].url()], back_off=BackOff()))
        quick = stack.enter_context(Watching(scorer, [server.url() for server in servers[1:]]))
        stays_away, is_mute = servers[1], servers[2]
        watched = [(real, 0), (quick, 0), (quick, 1)]
        for watch, source in watched:
            watch.until_labels(source)
        broken_seconds = time.monotonic()
        servers[0].refuse()
        stays_away.refuse()
        is_mute.blackhole()
        time.sleep(1.0)
        back = [time.monotonic()]
        servers[0].listen()
        time.sleep(3.0)
        stays_away.listen()
        back.append(time.monotonic())
        is_mute.resume()
        back.append(time.monotonic())

        for (watch, source), server, back_seconds in zip(watched, servers, back, strict=True):
            at_seconds, _ = watch.fresh(back_seconds, source)
            tried_seconds = next(at for at in server.connection_times if at >= back_seconds)
            window_seconds = scorer.spec.clip_seconds
            tell(
                f"back after {back_seconds - broken_seconds:.1f} s",
                rest_of_back_off=tried_seconds - back_seconds,
                to_first_label=at_seconds - tried_seconds,
            )
            assert at_seconds - tried_seconds < BACK_SECONDS + window_seconds + SLACK_SECONDS
            assert not [
                p for p in watch.of(source) if broken_seconds + 0.3 < p.end_seconds < tried_seconds
            ]
        # The second wait of a real run is 1.2 s at most.
        first_try_seconds = next(at for at in servers[0].connection_times if at >= back[0])
        assert first_try_seconds - back[0] < 1.2 + SLACK_SECONDS
        assert real.stats.of(real.names[0]).num_reconnects == 1


@contextmanager
def hanging_up(times: list[float]) -> Iterator[str]:
    """The address of somebody who takes every connection and closes it, and notes when."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                times.append(time.monotonic())
                client.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"rtsp://127.0.0.1:{listener.getsockname()[1]}/live"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(WAIT_SECONDS)


@pytest.mark.slow
def test_tries_go_on_for_ever_and_ever_more_rarely(scorer: ClockScorer) -> None:
    """Waits double up to the longest: 0.1 s to 0.8 s, and where it is refused 0.05 s to 0.5 s."""
    back_off = BackOff(first_seconds=0.1, longest_seconds=0.8, lasting_seconds=0.05)
    times: list[float] = []
    with hanging_up(times) as url, FaultServer(user="admin", password="right") as server:
        refused_url = server.url("admin", "wrong")
        with Watching(scorer, [url, refused_url], back_off=back_off) as watch:
            watch.until(lambda: len(times) >= 10 and server.num_connections >= 12)

    for what, connections, longest_seconds in (
        ("hangs up", times, 0.8),
        ("refuses", server.connection_times, 0.5),
    ):
        waits = [after - before for before, after in pairwise(connections)]
        tell(what, **{f"{number}": wait for number, wait in enumerate(waits)})
        assert statistics.mean(waits[:2]) < waits[5]
        assert 0.75 * longest_seconds < statistics.median(waits[6:]) < longest_seconds + 0.5
    assert watch.changed("refused", source=1).reason.count("refuses this user") == 1


@pytest.mark.slow
def test_what_lasts_is_told_apart_and_asked_rarely(scorer: ClockScorer) -> None:
    expected = [
        (SourceRefused, "refused", "refuses this user and password"),
        (StreamMissing, "refused", "no stream at that path (404)"),
        (SourceUnreadable, "refused", "unsupported codec"),
        (SourceUnreachable, "down", "there is no host of that name"),
    ]
    with serving(3, user="admin", password="right") as servers:
        urls = [
            servers[0].url("admin", "wr0ng!"),
            servers[1].url(path="/missing"),
            servers[2].url(path="/odd"),
            "rtsp://no-such-host.invalid/live",
        ]
        with Watching(scorer, urls, back_off=BackOff()) as watch:
            for source, (error, state, reason) in enumerate(expected):
                change = watch.changed(state, source=source)  # type: ignore[arg-type]
                after_seconds = change.at_seconds - watch.started_seconds
                tell(error.__name__, seconds=after_seconds)
                assert after_seconds < 3.0 + SLACK_SECONDS
                assert reason in change.reason
                assert "wr0ng!" not in change.reason
                assert type(watch.feeds[source].error) is error
            time.sleep(3.0)
            assert [server.num_connections for server in servers] == [1, 1, 1]
            assert 2 <= watch.feeds[3].num_tries <= 4  # after 0.5 s, 1 s, 2 s


def test_a_password_that_becomes_right(scorer: ClockScorer) -> None:
    with FaultServer(
        user="admin", password="new", picture=clock_picture, burst_seconds=BURST_SECONDS
    ) as server:
        url = server.url("admin", "old")
        with Watching(scorer, [url], back_off=BackOff(lasting_seconds=0.1)) as watch:
            watch.changed("refused")
            assert type(watch.feeds[0].error) is SourceRefused
            server.change_login("admin", "old")
            watch.until_labels()
            assert watch.feeds[0].error is None


@pytest.mark.slow
def test_flaps_leave_nothing_behind(scorer: ClockScorer) -> None:
    process = psutil.Process()
    with serving(1, burst_seconds=BURST_SECONDS) as (server,):
        with Watching(scorer, [server.url()]) as watch:
            watch.flap(server, 5)
            before = process.num_threads(), process.num_fds(), process.memory_info().rss
            watch.flap(server, 20)
            until(lambda: process.num_threads() <= before[0] and process.num_fds() <= before[1])
            growth_bytes = process.memory_info().rss - before[2]
            tell("20 flaps", megabytes=growth_bytes / 1e6)
            assert growth_bytes < 10e6
        until(lambda: not feed_threads())


def feed_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "rtaction-feed"]


@pytest.mark.slow
def test_a_dead_camera_does_not_delay_the_others(scorer: ClockScorer) -> None:
    with serving(4) as servers, Watching(scorer, [server.url() for server in servers]) as watch:
        others = range(1, 4)

        def p95_of(num_predictions: int) -> float:
            since_seconds = time.monotonic()
            watch.until(
                lambda: all(len(watch.of(one, since_seconds)) >= num_predictions for one in others)
            )
            latencies = [p.latency_seconds for one in others for p in watch.of(one, since_seconds)]
            return float(np.percentile(latencies, 95))

        watch.until_labels(*range(4))
        alive_seconds = p95_of(8)
        for fault in (SteeredServer.refuse, SteeredServer.blackhole, SteeredServer.stall):
            fault(servers[0])
            p95_seconds = p95_of(8)
            tell(f"{fault.__name__}, p95", alive=alive_seconds, dead=p95_seconds)
            assert p95_seconds < 1.1 * alive_seconds + 0.02
            servers[0].listen()
            servers[0].resume()
