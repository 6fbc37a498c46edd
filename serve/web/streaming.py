"""Answers that go on until somebody leaves."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from rtaction.serve.web.front_desk import FrontDesk


class StreamAnswer(StreamingResponse):
    """An answer without end; while it flows, it takes one of the places for streams.

    Args:
        desk: who has the places.
        parts: what is sent.
        media_type: of all of it.
    """

    def __init__(self, desk: FrontDesk, parts: AsyncIterator[bytes], *, media_type: str) -> None:
        # A proxy such as nginx would keep back what has to arrive now.
        super().__init__(parts, media_type=media_type, headers={"X-Accel-Buffering": "no"})
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; to who asks for the head only, no more than that."""
        if scope["method"] == "HEAD":
            await Response(headers=self.headers)(scope, receive, send)
            return
        with self._desk.stream():
            await super().__call__(scope, receive, send)
