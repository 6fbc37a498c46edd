"""The form that turns the token into a cookie, for browsers."""

from __future__ import annotations

import math
from functools import partial
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from rtaction.serve.web.buckets import client_of
from rtaction.serve.web.endpoint import limited_body
from rtaction.serve.web.front_desk import FrontDesk
from rtaction.serve.web.keys import COOKIE, COOKIE_SECONDS
from rtaction.serve.web.routes.site import page_text

_MISTAKE = "<!-- what went wrong -->"


def routes(desk: FrontDesk) -> list[Route]:
    """GET and POST /login, POST /logout."""
    return [
        Route("/login", _form, methods=["GET"]),
        Route("/login", partial(_login, desk), methods=["POST"]),
        Route("/logout", partial(_logout, desk), methods=["POST"]),
    ]


async def _form(request: Request) -> Response:
    del request
    return _page("", 200)


async def _login(desk: FrontDesk, request: Request) -> Response:
    client = client_of(request.client.host if request.client else "?")
    wait_seconds = desk.login_tries.take(client)
    if wait_seconds:
        seconds = math.ceil(wait_seconds)
        answer = _page(f"Too many tries. Wait {seconds} seconds, then try again.", 429)
        answer.headers["Retry-After"] = str(seconds)
        return answer
    content = await limited_body(request, desk.limits.body_bytes)
    if not desk.keys.is_token(_token(content)):
        return _page("This is not the token. It is the one that rtaction serve was given.", 401)
    answer = RedirectResponse("/", 303)
    answer.set_cookie(
        COOKIE,
        desk.keys.new_cookie(),
        max_age=COOKIE_SECONDS,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return answer


def _token(form: bytes) -> str:
    try:
        fields = parse_qs(form.decode("utf-8", "replace"), max_num_fields=4)
    except ValueError:  # too many of them
        return ""
    return fields.get("token", [""])[0].strip()


async def _logout(desk: FrontDesk, request: Request) -> Response:
    del desk, request
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return answer


def _page(mistake: str, status: int) -> Response:
    shown = f'<p class="mistake" role="alert">{mistake}</p>' if mistake else ""
    text = page_text("login.html").replace(_MISTAKE, shown)
    return Response(text, status, media_type="text/html")
