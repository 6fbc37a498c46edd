"""An endpoint of the API: what it is asked, what it answers, and who does it.

One declaration makes the route, checks what comes, and is the text of the OpenAPI document.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, Literal

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rtaction.errors import NoSuchThing, UsageError
from rtaction.serve.web.front_desk import FrontDesk

Kind = Literal["text", "integer", "number", "boolean", "time", "day", "id"]
_ID = re.compile(r"[A-Za-z0-9-]{1,128}")
_MAX_TEXT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A part of the address: of the path if it stands in it, else of the query.

    Args:
        name: as in the address.
        kind: "id" is a text of letters, digits and hyphens; "time" is ISO 8601, in UTC if it
            names no zone; "day" is YYYY-MM-DD.
        about: for a person.
        lowest, highest: of a number, both included. Default None: any.
        default: its value where it is left out. Default None.
        is_required: whether it may not be left out. Default False.
    """

    name: str
    kind: Kind
    about: str
    lowest: float | None = None
    highest: float | None = None
    default: Any = None
    is_required: bool = False

    def parse(self, text: str) -> Any:
        """The value of a text.

        Raises:
            UsageError: it is none.
            NoSuchThing: it is no id.
        """
        if self.kind == "id" and _ID.fullmatch(text) is None:
            raise NoSuchThing(f"there is no {self.name} with that id")
        if len(text) > _MAX_TEXT or not text.isprintable():
            raise UsageError(
                f"{self.name}: expected at most {_MAX_TEXT} printable characters in one line"
            )
        try:
            value = _PARSERS[self.kind](text)
        except (ValueError, OverflowError):
            raise self._unfit(text) from None
        if isinstance(value, (int, float)):
            # Also false for nan.
            low = self.lowest is None or value >= self.lowest
            if not (low and (self.highest is None or value <= self.highest)):
                raise self._unfit(text)
        return value

    def _unfit(self, text: str) -> UsageError:
        limits = ""
        if self.lowest is not None and self.highest is not None:
            limits = f" from {self.lowest:g} to {self.highest:g}"
        return UsageError(f"{self.name}: expected {_NAMES[self.kind]}{limits}, got {text[:40]!r}")


@dataclass(frozen=True, slots=True)
class Answer:
    """One way in which an endpoint answers.

    Args:
        about: for a person.
        schema: name of what it holds in the OpenAPI document; None if it is not JSON.
        media: its media types. Default JSON.
    """

    about: str
    schema: str | None = None
    media: tuple[str, ...] = ("application/json",)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, checked.

    Args:
        desk: what all endpoints share.
        request: as it came.
        values: of all parameters, by name.
        body: of the JSON; None if the endpoint wants none.
    """

    desk: FrontDesk
    request: Request
    values: Mapping[str, Any]
    body: dict[str, Any] | None = None

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One method of one path.

    Args:
        method: such as "GET".
        path: such as "/api/cameras/{camera}".
        answer_with: does it, and gives a `Response`, or what becomes one of JSON. It runs in a
            thread unless it is a coroutine.
        summary: what it is for, in one line.
        answers: by status. Those that all have in common are added: 400 to 403, 429, 431, 500
            and 503.
        parameters: those in the path as well.
        body: name of the schema of the JSON that it wants. Default None: none.
        group: heading under which it stands.
    """

    method: str
    path: str
    answer_with: Callable[[Asked], Any]
    summary: str
    answers: Mapping[int, Answer]
    parameters: tuple[Parameter, ...] = ()
    body: str | None = None
    group: str
    is_public: bool = field(default=False)

    async def __call__(self, desk: FrontDesk, request: Request) -> Response:
        """Answer a request."""
        values = self._values(request)
        body = None if self.body is None else await json_body(request, desk.limits.body_bytes)
        asked = Asked(desk, request, values, body)
        if inspect.iscoroutinefunction(self.answer_with):
            answer = await self.answer_with(asked)
        else:
            answer = await anyio.to_thread.run_sync(self.answer_with, asked)
        return answer if isinstance(answer, Response) else JSONResponse(answer)

    def is_in_path(self, parameter: Parameter) -> bool:
        """Whether a parameter is part of the path."""
        return f"{{{parameter.name}}}" in self.path

    def _values(self, request: Request) -> dict[str, Any]:
        known = {one.name for one in self.parameters if not self.is_in_path(one)}
        unknown = sorted(set(request.query_params) - known)
        if unknown:
            wanted = f"one of {', '.join(sorted(known))}" if known else "none"
            raise UsageError(f"unknown parameter {unknown[0][:40]!r}; expected {wanted}")
        values: dict[str, Any] = {}
        for one in self.parameters:
            given = request.path_params if self.is_in_path(one) else request.query_params
            text = given.get(one.name)
            if text is None or (text == "" and not self.is_in_path(one)):
                if one.is_required:
                    raise UsageError(f"{one.name} is missing; expected {_NAMES[one.kind]}")
                values[one.name] = one.default
            else:
                values[one.name] = one.parse(text)
        return values


def routes_of(endpoints: Sequence[Endpoint], desk: FrontDesk) -> list[Route]:
    """One route for each path, whatever its methods."""
    by_path: dict[str, dict[str, Endpoint]] = {}
    for one in endpoints:
        by_path.setdefault(one.path, {})[one.method] = one
    return [
        Route(path, partial(_answer, desk, by_method), methods=list(by_method))
        for path, by_method in by_path.items()
    ]


async def json_body(request: Request, max_bytes: int) -> dict[str, Any]:
    """The JSON object that a request brings.

    Raises:
        HTTPException: 413, 415 or 408: it is too long, no JSON, or does not come.
        UsageError: it is no JSON object.
    """
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json":
        raise HTTPException(415, "expected Content-Type: application/json")
    content = await limited_body(request, max_bytes)
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        raise UsageError("expected a JSON object as body; it is not valid JSON") from None
    if not isinstance(body, dict):
        raise UsageError("expected a JSON object as body, such as {}")
    return body


async def limited_body(request: Request, max_bytes: int) -> bytes:
    """The body of a request.

    Raises:
        HTTPException: 413 or 408: it is too long, or does not come.
    """
    desk: FrontDesk = request.app.state.desk
    too_long = HTTPException(413, f"the body is too long; expected at most {max_bytes} bytes")
    length = request.headers.get("content-length", "0")
    if not length.isdigit() or int(length) > max_bytes:
        raise too_long
    content = bytearray()
    with anyio.move_on_after(desk.limits.request_seconds):
        async for chunk in request.stream():
            content += chunk
            if len(content) > max_bytes:
                raise too_long
        return bytes(content)
    raise HTTPException(408, "the body did not come in time")


async def _answer(desk: FrontDesk, by_method: Mapping[str, Endpoint], request: Request) -> Response:
    method = "GET" if request.method == "HEAD" else request.method
    return await by_method[method](desk, request)


def _boolean(text: str) -> bool:
    if text.lower() in ("1", "true", "yes"):
        return True
    if text.lower() in ("0", "false", "no"):
        return False
    raise ValueError


def _time(text: str) -> datetime:
    # A plus sign in a query means a space to those who decode it.
    at = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


_PARSERS: dict[Kind, Callable[[str], Any]] = {
    "text": str,
    "id": str,
    "integer": int,
    "number": float,
    "boolean": _boolean,
    "time": _time,
    "day": date.fromisoformat,
}
_NAMES: dict[Kind, str] = {
    "text": "a text",
    "id": "an id",
    "integer": "an integer",
    "number": "a number",
    "boolean": "1 or 0",
    "time": "a time such as 2026-11-30T09:27:23Z",
    "day": "a day such as 2026-11-30",
}
