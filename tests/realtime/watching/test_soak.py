"""Hours of faults leave nothing behind; `pytest -m soak -s` prints the figures.

The variable RTACTION_SOAK_SECONDS says how long (default 1800), RTACTION_SOAK_SEED which faults.
"""

from __future__ import annotations

import gc
import os
import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import psutil
import pytest

from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.watching.back_off import BackOff
from tests.realtime.servers.fault_server import FaultServer
from tests.realtime.servers.rtp import default_picture
from tests.realtime.servers.steered_server import SteeredServer
from tests.realtime.servers.stream_client import until
from tests.realtime.servers.stream_server import StreamServer
from tests.realtime.watcher import LEAVING_SECONDS, Watching

SOAK_SECONDS = float(os.environ.get("RTACTION_SOAK_SECONDS", "1800"))
SEED = int(os.environ.get("RTACTION_SOAK_SEED", "0"))
GROWTH_BYTES = 10_000_000
SMALL, LARGE = (48, 64), (96, 128)
NUM_FLAPS = 200
NUM_WARM_FLAPS = 20

pytestmark = pytest.mark.soak
Steer = Callable[[SteeredServer], Any]


@dataclass(frozen=True, slots=True)
class Footprint:
    """What the process holds."""

    threads: int
    descriptors: int
    memory_bytes: int

    @classmethod
    def now(cls) -> Footprint:
        gc.collect()
        process = psutil.Process()
        return cls(process.num_threads(), process.num_fds(), process.memory_info().rss)

    def assert_kept(self) -> None:
        """That the process holds no more than this again, once what was left has ended."""

        def is_back() -> bool:
            now = Footprint.now()
            return now.threads <= self.threads and now.descriptors <= self.descriptors

        until(is_back)
        growth_bytes = Footprint.now().memory_bytes - self.memory_bytes
        print(f"\n  before {self}\n  after  {Footprint.now()}\n  grown {growth_bytes / 1e6:.2f} MB")
        assert growth_bytes < GROWTH_BYTES


def black(seconds: float, size_hw: tuple[int, int]) -> npt.NDArray[Any]:
    return np.zeros((*size_hw, 3), np.uint8)


def jump(server: SteeredServer) -> None:
    if isinstance(server, FaultServer):
        server.jump_clock(random.choice((3600.0, -30.0, -0.5, 4.0)))


FAULTS: dict[str, Steer] = {
    "stall": SteeredServer.stall,
    "blackhole": SteeredServer.blackhole,
    "reset": SteeredServer.reset,
    "hang up": SteeredServer.hang_up,
    "refuse": SteeredServer.refuse,
    "truncate": lambda server: server.truncate_next(5),
    "grow": lambda server: server.change_size(LARGE),
    "black": lambda server: server.show(black),
    "slow": lambda server: server.slow_send(3000),
    "jump": jump,
}


def mend(server: SteeredServer) -> None:
    """End every fault."""
    server.listen()
    server.resume()
    server.slow_send(None)
    server.change_size(SMALL)
    server.show(default_picture)


def break_at_random(
    servers: list[SteeredServer], chance: random.Random, seconds: float
) -> Counter[str]:
    """Break and mend for so long; returns which faults there were, and leaves all mended."""
    told: Counter[str] = Counter()
    mending: dict[int, float] = {}
    end_seconds = time.monotonic() + seconds
    while time.monotonic() < end_seconds:
        number, name = chance.randrange(len(servers)), chance.choice(list(FAULTS))
        FAULTS[name](servers[number])
        told[name] += 1
        mending.setdefault(number, time.monotonic() + chance.uniform(0.1, 6.0))
        time.sleep(chance.uniform(0.1, 1.0))
        for number in [one for one, at in mending.items() if at < time.monotonic()]:
            del mending[number]
            mend(servers[number])
    for server in servers:
        mend(server)
    return told


def test_faults_at_random_all_the_while(tiny_model: Path) -> None:
    random.seed(SEED)
    chance = random.Random(SEED)
    model = ActionModel(tiny_model, device="cpu")
    back_off = BackOff(first_seconds=0.1, longest_seconds=1.0, lasting_seconds=0.1)
    with ExitStack() as stack:
        servers: list[SteeredServer] = [
            stack.enter_context(server)
            for server in (
                FaultServer(user="admin", password="s3cret"),
                FaultServer(burst_seconds=1.0),
                FaultServer(frames_per_second=10.0),
                StreamServer(),
            )
        ]
        urls = [server.url() for server in servers]
        watch = stack.enter_context(Watching(model, urls, back_off=back_off, keep=100))

        def all_are_well() -> None:
            now = time.monotonic()
            for source in range(len(servers)):
                watch.fresh(now, source)

        told = break_at_random(servers, chance, max(SOAK_SECONDS / 10, 20.0))
        all_are_well()
        before = Footprint.now()
        told += break_at_random(servers, chance, SOAK_SECONDS)
        all_are_well()

        print(f"\n  {dict(told)}\n{watch.stats.to_text()}")
        before.assert_kept()
        assert set(told) == set(FAULTS)
        assert min(watch.stats.of(name).num_reconnects for name in watch.names) >= 1
        assert watch.leave() < LEAVING_SECONDS


def test_200_flaps(tiny_model: Path) -> None:
    with (
        FaultServer(burst_seconds=1.0) as server,
        Watching(ActionModel(tiny_model, device="cpu"), [server.url()], keep=100) as watch,
    ):
        watch.flap(server, NUM_WARM_FLAPS)
        before = Footprint.now()
        watch.flap(server, NUM_FLAPS)

        assert watch.stats.of(watch.names[0]).num_reconnects >= NUM_WARM_FLAPS + NUM_FLAPS
        before.assert_kept()
