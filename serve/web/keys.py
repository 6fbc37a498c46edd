"""Who knows the token: programs send it, browsers a cookie that was made of it."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from time import time

COOKIE = "rtaction"
COOKIE_SECONDS = 30 * 86_400


class Keys:
    """Tells who knows the token.

    The cookie holds until when it is good and a signature by the token: it outlasts a restart, and
    a new token makes it worthless.

    Args:
        token: None lets everybody in.
        clock: seconds since 1970. Default `time.time`.
    """

    def __init__(self, token: str | None, *, clock: Callable[[], float] = time) -> None:
        self._token = None if token is None else token.encode()
        self._clock = clock

    @property
    def is_open(self) -> bool:
        """Whether everybody is let in."""
        return self._token is None

    def is_token(self, text: str) -> bool:
        """Whether this is the token; the time it takes tells nothing."""
        return self._token is not None and hmac.compare_digest(text.encode(), self._token)

    def new_cookie(self) -> str:
        """The value of a cookie for who has shown the token."""
        until = str(int(self._clock()) + COOKIE_SECONDS)
        return f"{until}.{self._signature(until)}"

    def lets_in(self, authorization: str | None, cookies: str | None) -> bool:
        """Whether a request may be answered.

        Args:
            authorization: its header of this name.
            cookies: its header Cookie.
        """
        if self.is_open:
            return True
        if authorization is not None:
            scheme, _, token = authorization.partition(" ")
            return scheme.lower() == "bearer" and self.is_token(token.strip())
        return cookies is not None and self._is_good(_value(cookies))

    def _is_good(self, cookie: str) -> bool:
        until, _, signature = cookie.partition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(until).encode()):
            return False
        return until.isdigit() and int(until) > self._clock()

    def _signature(self, until: str) -> str:
        assert self._token is not None
        return hmac.new(self._token, b"rtaction page " + until.encode(), "sha256").hexdigest()


def _value(cookies: str) -> str:
    try:
        morsel = SimpleCookie(cookies).get(COOKIE)
    except CookieError:
        return ""
    return "" if morsel is None else morsel.value
