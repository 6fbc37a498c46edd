"""The application: all endpoints and the page, behind the guard."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from rtaction.errors import NoSuchThing, RtactionError, UsageError
from rtaction.serve.web.endpoint import Endpoint, routes_of
from rtaction.serve.web.front_desk import FrontDesk
from rtaction.serve.web.guard import Guard, error_answer, unexpected_answer
from rtaction.serve.web.openapi import document
from rtaction.serve.web.routes import (
    cameras,
    events,
    eye,
    login,
    machine,
    news,
    school,
    site,
    webrtc,
)

_NAMES = {
    404: "there is nothing at this address; /api/docs lists what there is",
    405: "this address does not know this method; /api/docs lists those it knows",
}


def all_endpoints() -> list[Endpoint]:
    """Every endpoint of the API, in the order of its document."""
    return [
        *cameras.ENDPOINTS,
        *webrtc.ENDPOINTS,
        *events.ENDPOINTS,
        *news.ENDPOINTS,
        *school.ENDPOINTS,
        *machine.ENDPOINTS,
    ]


def build_app(desk: FrontDesk, more_routes: Sequence[BaseRoute] = ()) -> ASGIApp:
    """The application.

    Args:
        desk: what its endpoints share.
        more_routes: such as those of web sockets. Default none.
    """
    endpoints = all_endpoints()
    app = Starlette(
        routes=[
            *routes_of(endpoints, desk),
            *eye.routes(desk),
            *more_routes,
            *login.routes(desk),
            *site.routes(document(endpoints)),
        ],
        exception_handlers={
            HTTPException: _of_http,
            RtactionError: _of_person,
            Exception: _of_program,
        },
    )
    app.state.desk = desk
    return Guard(app, desk.options, desk.limits, desk.keys, _is_public)


def _is_public(path: str) -> bool:
    """What has to be seen by who has no token yet, and shows nothing of any camera."""
    return path in ("/healthz", "/readyz", "/login") or path.startswith("/page/")


def _of_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    text = _NAMES.get(error.status_code, error.detail)
    return error_answer(error.status_code, text, dict(error.headers or {}))


def _of_person(_: Request, error: Exception) -> Response:
    status = (
        404 if isinstance(error, NoSuchThing) else 400 if isinstance(error, UsageError) else 503
    )
    return error_answer(status, str(error))


def _of_program(*_: object) -> Response:
    return unexpected_answer()
