"""Pictures that are made once, however many look at them, and not at all if nobody does."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Generic, Protocol, TypeVar

Key = tuple[str, int | None, bool]
"""Camera, width and whether it is drawn on."""

_MAX_KEPT = 64
_MAX_KEPT_SECONDS = 2.0


PictureT = TypeVar("PictureT")
PictureT_co = TypeVar("PictureT_co", covariant=True)


class Ask(Protocol[PictureT_co]):
    """Asks a house for the newest picture, such as `House.picture` and `House.image`."""

    def __call__(self, camera: str, *, width: int | None, is_drawn: bool) -> PictureT_co | None:
        """The newest, or None if there is none."""


class SharedPictures(Generic[PictureT]):
    """The newest pictures, asked of a house at most so often for all who look.

    It is used from one event loop; the house is asked in threads of its own.

    Args:
        ask: asks for them.
        num_threads: at most as many pictures are made at the same time. Default 2.
        clock: seconds. Default `time.monotonic`.
    """

    def __init__(
        self, ask: Ask[PictureT], *, num_threads: int = 2, clock: Callable[[], float] = monotonic
    ) -> None:
        self._ask_house = ask
        self._clock = clock
        self._threads = ThreadPoolExecutor(num_threads, thread_name_prefix="picture")
        self._kept: OrderedDict[Key, tuple[float, PictureT | None]] = OrderedDict()
        self._asked: dict[Key, asyncio.Task[PictureT | None]] = {}

    async def get(self, key: Key, *, max_age_seconds: float) -> PictureT | None:
        """The newest picture.

        Args:
            key: which.
            max_age_seconds: one that was asked for within this time will do.

        Raises:
            NoSuchThing: there is no such camera.
        """
        now = self._clock()
        kept = self._kept.get(key)
        if kept is not None and now - kept[0] <= max_age_seconds:
            return kept[1]
        asked = self._asked.get(key)
        if asked is None:
            asked = asyncio.get_running_loop().create_task(self._ask(key))
            self._asked[key] = asked
            asked.add_done_callback(lambda task: self._forget(key, task))
        # Others wait for the same picture, even if this one leaves.
        return await asyncio.shield(asked)

    def close(self) -> None:
        """No more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _forget(self, key: Key, task: asyncio.Task[PictureT | None]) -> None:
        del self._asked[key]
        if not task.cancelled():
            task.exception()  # all who waited may have left; asyncio would complain

    async def _ask(self, key: Key) -> PictureT | None:
        camera, width, is_drawn = key
        loop = asyncio.get_running_loop()
        asked_at = self._clock()
        picture = await loop.run_in_executor(
            self._threads,
            lambda: self._ask_house(camera, width=width, is_drawn=is_drawn),
        )
        self._kept[key] = (asked_at, picture)
        self._kept.move_to_end(key)
        self._forget_old(asked_at)
        return picture

    def _forget_old(self, now: float) -> None:
        while self._kept:
            asked_at, _ = next(iter(self._kept.values()))
            if len(self._kept) <= _MAX_KEPT and now - asked_at <= _MAX_KEPT_SECONDS:
                return
            self._kept.popitem(last=False)
