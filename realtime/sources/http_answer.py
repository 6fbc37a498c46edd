"""What a web server answers at an address where FFmpeg finds no video.

FFmpeg does not tell; this asks once more, as a browser would. It opens nothing but http:// and
https://, and knows nothing about video.
"""

from __future__ import annotations

import http.client
import re
import ssl
import string
import urllib.request
from dataclasses import dataclass
from urllib.parse import quote, unquote, urljoin

from rtaction.redaction import redact

_CONTENT_TYPE = re.compile(r"[a-z0-9.+-]{1,40}/[a-z0-9.+-]{1,40}", re.ASCII)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer of a web server.

    Args:
        status: such as 200.
        content_type: such as "text/html", in lower case; "" if the server tells none.
        is_empty: whether nothing comes after the headers.
        redirected_to: where it came from, or would, without password; "" if from the address.
    """

    status: int
    content_type: str
    is_empty: bool
    redirected_to: str


def ask(url: str, *, timeout_seconds: float, follow: bool = True) -> HttpAnswer | None:
    """Request an address and look at the headers, and at whether anything follows.

    User and password are sent only to the server of the address.

    Args:
        url: of http:// or https://; it may contain a user and password, percent-encoded or not.
        timeout_seconds: how long to wait for each part of the answer.
        follow: follow redirects. Default True.

    Returns:
        The answer, also if it is an error such as 404; None if there is none.
    """
    scheme, _, rest = url.partition("://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    userinfo, _, host = authority.rpartition("@")
    user, _, password = userinfo.partition(":")
    without_user = f"{scheme}://{host}{rest[len(authority) :]}"
    address = quote(without_user, safe=string.punctuation)
    opener = _opener(address, unquote(user), unquote(password))
    if follow:
        opener.add_handler(urllib.request.HTTPRedirectHandler())
    try:
        try:
            response = opener.open(address, timeout=timeout_seconds)
        except urllib.request.HTTPError as error:
            response = error
        with response:
            came_from = response.url or address
            location = response.headers.get("Location")
            if 300 <= response.status < 400 and location:
                came_from = urljoin(came_from, location)
            return HttpAnswer(
                response.status,
                _content_type(response.headers.get("Content-Type", "")),
                not response.read(1),
                "" if came_from == address else redact(came_from),
            )
    except (OSError, ValueError, http.client.HTTPException):
        return None  # their text may contain the password


def _opener(address: str, user: str, password: str) -> urllib.request.OpenerDirector:
    passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    passwords.add_password(None, address, user, password)
    # Cameras sign their certificates themselves; FFmpeg does not check them either.
    unchecked = ssl.create_default_context()
    unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
    opener = urllib.request.OpenerDirector()
    # Not `build_opener`, which adds ftp: and file:.
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(context=unchecked),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        *(
            ()
            if not user
            else (
                urllib.request.HTTPBasicAuthHandler(passwords),
                urllib.request.HTTPDigestAuthHandler(passwords),
            )
        ),
    ):
        opener.add_handler(handler)
    return opener


def _content_type(header: str) -> str:
    text = header.partition(";")[0].strip().lower()
    return text if _CONTENT_TYPE.fullmatch(text) else ""
