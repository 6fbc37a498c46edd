"""The web socket by which a browser sends its camera, and is told what is seen there.

Each message has one answer, in order. While a picture is looked at, nothing more is read, so that a
browser that sends faster than it is answered fills no memory here.
"""

from __future__ import annotations

import asyncio
import json
import logging
import struct
import traceback
from collections.abc import Mapping
from functools import partial
from time import monotonic
from typing import Any

from anyio.to_thread import run_sync
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from rtaction.errors import NoSuchThing, RtactionError, UsageError
from rtaction.redaction import scrub
from rtaction.serve.house.school import Eye
from rtaction.serve.web.front_desk import FrontDesk
from rtaction.serve.web.routes.school import school_of

NO_LESSON, IDLE, TOO_MANY, UNEXPECTED = 4404, 4408, 4429, 1011
_CLOCK = struct.Struct("<d")
_MAX_TEXT = 2000
_MOST_PER_SECOND = 30.0
_log = logging.getLogger(__name__)


def routes(desk: FrontDesk) -> list[WebSocketRoute]:
    """The web socket /api/eye; see the OpenAPI document."""
    return [WebSocketRoute("/api/eye", partial(_answer, desk))]


async def _answer(desk: FrontDesk, socket: WebSocket) -> None:
    # Accepted whatever comes: a browser tells its page no more of a refusal than that it was one.
    await socket.accept()
    viewer = _Viewer(desk, socket.query_params.get("lesson"))
    try:
        await viewer.open()
        await _converse(socket, viewer, desk.limits.request_seconds)
    except WebSocketDisconnect:
        pass
    except NoSuchThing as error:
        await _end(socket, NO_LESSON, str(error))
    except UsageError as error:
        await _end(socket, TOO_MANY, str(error))
    except RtactionError as error:
        await _end(socket, UNEXPECTED, str(error))
    except TimeoutError:
        await _end(socket, IDLE, "no picture came for a while")
    except Exception:
        _log.error("unexpected: %s", scrub(traceback.format_exc(), ()))
        await _end(socket, UNEXPECTED, "something unexpected went wrong; the log says what")
    finally:
        await viewer.close()


async def _converse(socket: WebSocket, viewer: _Viewer, idle_seconds: float) -> None:
    while True:
        async with asyncio.timeout(idle_seconds):
            message = await socket.receive()
        if message["type"] != "websocket.receive":
            return
        started = monotonic()
        try:
            answer = await viewer.answer(message)
        except RtactionError as error:
            if not viewer.is_open:
                raise
            answer = _error(error)
        await socket.send_json(answer)
        # Who does not wait for answers has still no more of this machine than others.
        await asyncio.sleep(max(started + 1 / _MOST_PER_SECOND - monotonic(), 0.0))


class _Viewer:
    """One browser, and the eye that looks for it."""

    def __init__(self, desk: FrontDesk, lesson: str | None) -> None:
        self._desk = desk
        self._lesson = lesson
        self._eye: Eye | None = None

    @property
    def is_open(self) -> bool:
        return self._eye is not None

    async def open(self) -> None:
        self._eye = await run_sync(school_of(self._desk).eye, self._lesson)

    async def close(self) -> None:
        eye, self._eye = self._eye, None
        if eye is not None:
            await run_sync(eye.close)

    async def answer(self, message: Mapping[str, Any]) -> dict[str, Any]:
        assert self._eye is not None
        data = message.get("bytes")
        if data is not None:
            if len(data) <= _CLOCK.size:
                raise UsageError("expected the time of a picture in 8 bytes, and a JPEG picture")
            (at_seconds,) = _CLOCK.unpack_from(data)
            return await run_sync(self._eye.see, data[_CLOCK.size :], at_seconds)
        asked = _asked(message["text"])
        match asked.get("do"):
            case "record":
                label, seconds = _take_of(asked)
                await run_sync(self._eye.record, label, seconds)
            case "stop":
                await run_sync(self._eye.stop)
            case "lesson":
                await self.close()
                await self.open()
            case _:
                raise UsageError('expected "do" as record, stop or lesson')
        return {"did": asked["do"]}


def _asked(text: str) -> dict[str, Any]:
    try:
        asked = json.loads(text) if len(text) <= _MAX_TEXT else None
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict):
        raise UsageError('expected a JSON object such as {"do": "stop"}')
    return asked


def _take_of(asked: Mapping[str, Any]) -> tuple[str, float]:
    label, seconds = asked.get("label"), asked.get("seconds")
    if not isinstance(label, str):
        raise UsageError("label: expected a text")
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise UsageError("seconds: expected a number")
    return label, seconds


def _error(error: RtactionError) -> dict[str, str]:
    return {"error": scrub(str(error), ())}


async def _end(socket: WebSocket, code: int, reason: str) -> None:
    try:
        await socket.send_json({"error": scrub(reason, ())})
        await socket.close(code)
    except (WebSocketDisconnect, RuntimeError):  # it has gone
        _log.debug("a browser has gone before it was told: %s", scrub(reason, ()))
