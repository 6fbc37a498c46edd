"""What all endpoints share: the house, its pictures and news, and how many look on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from starlette.exceptions import HTTPException

from rtaction.serve.house.house import House
from rtaction.serve.house.school import School
from rtaction.serve.web.buckets import TokenBuckets
from rtaction.serve.web.keys import Keys
from rtaction.serve.web.newsstand import Newsstand
from rtaction.serve.web.options import Limits, WebOptions
from rtaction.serve.web.pictures import SharedPictures

Metrics = Callable[[], tuple[bytes, str]]
"""Gives a text for Prometheus and its media type."""

_LOGIN_TRIES = 10
_LOGIN_TRIES_PER_SECOND = 1 / 6


class FrontDesk:
    """What all endpoints share. But for `end`, it belongs to one event loop.

    Args:
        house: what is shown.
        options: who may see it.
        limits: how much at once.
        metrics: for Prometheus. Default None: there are none.
        school: teaches by the camera of a browser. Default None: nobody does.
    """

    def __init__(
        self,
        house: House,
        options: WebOptions,
        limits: Limits,
        metrics: Metrics | None = None,
        school: School | None = None,
    ) -> None:
        self.house = house
        self.options = options
        self.limits = limits
        self.metrics = metrics
        self.school = school
        self.keys = Keys(options.token)
        self.login_tries = TokenBuckets(_LOGIN_TRIES_PER_SECOND, _LOGIN_TRIES)
        self.pictures = SharedPictures(house.picture)
        self.images = SharedPictures(house.image)
        self.news = Newsstand(house, lambda: self.num_streams)
        self.num_streams = 0
        self.num_peers = 0
        self._ended = asyncio.Event()
        self._kept: set[asyncio.Task[None]] = set()

    @contextmanager
    def stream(self) -> Iterator[None]:
        """A place among the streams, while it is used.

        Raises:
            HTTPException: none is free; 503.
        """
        if self.num_streams >= self.limits.num_streams:
            raise HTTPException(
                503,
                f"too many look on: at most {self.limits.num_streams} streams at once; close "
                "another page, or try again in a few seconds",
                {"Retry-After": "5"},
            )
        self.num_streams += 1
        try:
            yield
        finally:
            self.num_streams -= 1

    @contextmanager
    def peer(self) -> Iterator[None]:
        """A place among the streams for one over WebRTC, while it is used.

        Raises:
            HTTPException: none is free; 503.
        """
        with self.stream():
            if self.num_peers >= self.limits.num_peers:
                raise HTTPException(
                    503,
                    f"too many look on over WebRTC: at most {self.limits.num_peers} at once; "
                    "the address that ends in stream.mjpg has the same pictures",
                    {"Retry-After": "5"},
                )
            self.num_peers += 1
            try:
                yield
            finally:
                self.num_peers -= 1

    @property
    def has_ended(self) -> bool:
        """Whether streams have to end."""
        return self._ended.is_set()

    async def pause(self, seconds: float) -> None:
        """Wait for a time, or until streams have to end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ended.wait()

    def keep(self, work: Coroutine[Any, Any, None]) -> None:
        """Let something go on after its request was answered; it ends when streams have to."""
        task = asyncio.get_running_loop().create_task(work)
        self._kept.add(task)
        task.add_done_callback(self._kept.discard)

    async def close(self, timeout_seconds: float) -> None:
        """Wait at most so long for what is kept, once streams have to end."""
        if self._kept:
            await asyncio.wait(self._kept, timeout=timeout_seconds)
        self.pictures.close()
        self.images.close()

    def end(self) -> None:
        """Let all streams end."""
        self._ended.set()
        self.news.end()
