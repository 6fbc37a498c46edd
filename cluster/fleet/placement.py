"""Which worker watches which camera.

This module knows neither Ray nor time: it is given what cameras need and what workers have, and
says where each camera goes. What is watched already stays where it is, as a move costs pictures.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_ROUNDING = 1e-9
MOST_UNEVEN = 0.25
"""The difference of two workers' loads, in shares of them, from which on cameras are moved."""


@dataclass(frozen=True, slots=True)
class Room:
    """What a worker has.

    Args:
        cores: processor cores, each as fast as those on which the needs were measured; above 0.
        gpus: GPUs, 0 for a worker that computes on its cores. Default 0.
    """

    cores: float
    gpus: float = 0.0


@dataclass(frozen=True, slots=True)
class Need:
    """What one camera takes of a worker, as measured.

    Args:
        decoding_cores: cores that are busy with receiving and decoding.
        model_cores: cores that are busy with the model, where it runs on cores.
        gpu_share: share of a GPU, where it runs on one. Default None: it was not measured, and no
            worker with a GPU is better than its cores.
    """

    decoding_cores: float
    model_cores: float
    gpu_share: float | None = None

    def on(self, room: Room) -> tuple[float, float]:
        """The cores and the GPUs that it takes of this worker."""
        if room.gpus > 0 and self.gpu_share is not None:
            return self.decoding_cores, self.gpu_share
        return self.decoding_cores + self.model_cores, 0.0


@dataclass(frozen=True, slots=True)
class Placement:
    """Who watches what.

    Args:
        workers: the worker of each camera that is watched.
        left_out: cameras for which there is no room, the most important first.
    """

    workers: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


def place(
    needs: Mapping[str, Need], rooms: Mapping[str, Room], before: Mapping[str, str] | None = None
) -> Placement:
    """Give each camera a worker.

    A camera stays where it is, unless its worker is gone or too full, a more important one has no
    other place, or workers are so unevenly loaded that moving some is worth it. Placing what was
    placed changes nothing.

    Args:
        needs: of each camera, the most important first.
        rooms: of each worker.
        before: the worker of each camera so far. Default: none.

    Returns:
        Where each goes. A camera is left out only if it fits on no worker beside the more important
        cameras there.
    """
    kept = _Packing(needs, rooms)
    kept.keep(before or {})
    kept.fill(needs)
    if not kept.left_out:
        kept.even_out()
        return kept.placement()
    by_size = sorted(needs, key=kept.least_load, reverse=True)
    anew = _Packing(needs, rooms)
    for name in by_size:
        anew.put_where_emptiest(name)
    anew.fill(needs)
    # Only for a more important camera are all of them moved.
    return min((kept, anew), key=_Packing.left_out_ranks).placement()


class _Packing:
    """Cameras on workers, with the sums of what they take."""

    def __init__(self, needs: Mapping[str, Need], rooms: Mapping[str, Room]) -> None:
        self._needs, self._rooms = needs, rooms
        self._rank = {name: rank for rank, name in enumerate(needs)}
        self._workers: dict[str, str] = {}
        self._on: dict[str, set[str]] = {worker: set() for worker in rooms}
        self._taken: dict[str, tuple[float, float]] = dict.fromkeys(rooms, (0.0, 0.0))

    @property
    def left_out(self) -> list[str]:
        return [name for name in self._needs if name not in self._workers]

    def left_out_ranks(self) -> tuple[int, ...]:
        """Smaller where those left out are fewer or less important."""
        return tuple(len(self._needs) - self._rank[name] for name in self.left_out)

    def placement(self) -> Placement:
        workers = {name: self._workers[name] for name in self._needs if name in self._workers}
        return Placement(workers, tuple(self.left_out))

    def least_load(self, name: str) -> float:
        """The load of a camera alone, on the worker that has most room for it."""
        return min(
            (_share(self._needs[name].on(room), room) for room in self._rooms.values()), default=0.0
        )

    def keep(self, before: Mapping[str, str]) -> None:
        """Leave cameras where they are; where it is too full now, the most important."""
        for name in self._needs:
            worker = before.get(name, "")
            if worker in self._rooms and self._fits(self._with(worker, name), worker):
                self._put(name, worker)

    def fill(self, names: Iterable[str]) -> None:
        """Place those that have no place, the most important first, which may displace others."""
        waiting = [self._rank[name] for name in names if name not in self._workers]
        heapq.heapify(waiting)
        by_rank = list(self._needs)
        while waiting:
            name = by_rank[heapq.heappop(waiting)]
            if not self.put_where_emptiest(name):
                for displaced in self._displace_for(name):
                    heapq.heappush(waiting, self._rank[displaced])

    def put_where_emptiest(self, name: str) -> bool:
        """Place a camera where the load stays lowest; False if it fits nowhere."""
        loads = ((self._load_with(worker, name), worker) for worker in self._rooms)
        load, worker = min(loads, default=(float("inf"), ""))
        if load > 1 + _ROUNDING:
            return False
        self._put(name, worker)
        return True

    def even_out(self) -> None:
        """Move cameras from the fullest worker to the emptiest, while they differ much."""
        while len(self._rooms) > 1:
            loads = {one: _share(self._taken[one], self._rooms[one]) for one in self._rooms}
            fullest, emptiest = max(loads, key=loads.__getitem__), min(loads, key=loads.__getitem__)
            if loads[fullest] - loads[emptiest] <= MOST_UNEVEN + _ROUNDING:
                return
            _, _, name = min(
                (self._worst_after(one, fullest, emptiest), -self._rank[one], one)
                for one in self._on[fullest]
            )
            if self._worst_after(name, fullest, emptiest) >= loads[fullest] - _ROUNDING:
                return
            self._take_away(name)
            self._put(name, emptiest)

    def _worst_after(self, name: str, source: str, target: str) -> float:
        """The higher load of two workers once a camera has moved."""
        return max(
            _share(self._without(source, [name]), self._rooms[source]),
            self._load_with(target, name),
        )

    def _displace_for(self, name: str) -> list[str]:
        """Place a camera where the least important others make room; returns those."""
        choices = [
            ((min((self._rank[one] for one in others), default=0), -len(others)), worker, others)
            for worker in self._rooms
            if (others := self._less_important(worker, name))
        ]
        if not choices:
            return []
        _, worker, others = max(choices)
        for one in others:
            self._take_away(one)
        self._put(name, worker)
        return others

    def _less_important(self, worker: str, name: str) -> list[str]:
        """Cameras of a worker without which this one fits; empty if there are none."""
        rank = self._rank
        going: list[str] = []
        for one in sorted(self._on[worker], key=rank.__getitem__, reverse=True):
            if rank[one] < rank[name]:
                return []
            going.append(one)
            if self._fits(self._with(worker, name, going), worker):
                break
        else:
            return []
        for one in reversed(going[:-1]):  # a small one may stay beside it
            fewer = [other for other in going if other != one]
            if self._fits(self._with(worker, name, fewer), worker):
                going = fewer
        return going

    def _put(self, name: str, worker: str) -> None:
        self._taken[worker] = self._with(worker, name)
        self._workers[name] = worker
        self._on[worker].add(name)

    def _take_away(self, name: str) -> None:
        worker = self._workers.pop(name)
        self._taken[worker] = self._without(worker, [name])
        self._on[worker].remove(name)

    def _load_with(self, worker: str, name: str) -> float:
        return _share(self._with(worker, name), self._rooms[worker])

    def _fits(self, taken: tuple[float, float], worker: str) -> bool:
        return _share(taken, self._rooms[worker]) <= 1 + _ROUNDING

    def _with(self, worker: str, name: str, but: Iterable[str] = ()) -> tuple[float, float]:
        cores, gpus = self._without(worker, but)
        more_cores, more_gpus = self._needs[name].on(self._rooms[worker])
        return cores + more_cores, gpus + more_gpus

    def _without(self, worker: str, but: Iterable[str]) -> tuple[float, float]:
        cores, gpus = self._taken[worker]
        for one in but:
            fewer_cores, fewer_gpus = self._needs[one].on(self._rooms[worker])
            cores, gpus = cores - fewer_cores, gpus - fewer_gpus
        return cores, gpus


def _share(taken: tuple[float, float], room: Room) -> float:
    """How full a worker is: 1 is full."""
    cores, gpus = taken
    of_gpus = 0.0 if gpus <= _ROUNDING else gpus / room.gpus if room.gpus > 0 else float("inf")
    return max(cores / room.cores, of_gpus)
