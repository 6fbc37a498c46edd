"""What all endpoints share: the house, its pictures and news, and how many look on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from starlette.exceptions import HTTPException

from rtaction.serve.house.house import House
from rtaction.serve.house.school import School
from rtaction.serve.web.buckets import TokenBuckets
from rtaction.serve.web.keys import Keys
from rtaction.serve.web.newsroom import Newsroom
from rtaction.serve.web.options import Limits, WebOptions
from rtaction.serve.web.pictures import SharedPictures

Metrics = Callable[[], tuple[bytes, str]]
"""Gives a text for Prometheus and its media type."""

_LOGIN_TRIES = 10
_LOGIN_TRIES_PER_SECOND = 1 / 6


class Desk:
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
        self.pictures = SharedPictures(house)
        self.news = Newsroom(house, lambda: self.num_streams)
        self.num_streams = 0
        self._ended = asyncio.Event()

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

    @property
    def has_ended(self) -> bool:
        """Whether streams have to end."""
        return self._ended.is_set()

    async def pause(self, seconds: float) -> None:
        """Wait for a time, or until streams have to end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ended.wait()

    def end(self) -> None:
        """Let all streams end."""
        self._ended.set()
        self.news.end()
