"""Why a stream cannot be opened, in words, and without its password.

FFmpeg's own text holds the whole URL, so only the kind of its error is looked at.
"""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import av

from rtaction.errors import (
    SourceError,
    SourceMissing,
    SourceRefused,
    SourceUnreadable,
    StreamMissing,
)
from rtaction.realtime.sources.cameras import Camera


def explain_open_failure(camera: Camera, error: Exception, elapsed_seconds: float) -> SourceError:
    """The error to raise instead of FFmpeg's.

    Args:
        camera: what was opened.
        error: what FFmpeg raised.
        elapsed_seconds: after how long.
    """
    name = camera.name
    if isinstance(error, av.error.HTTPUnauthorizedError | av.error.HTTPForbiddenError):
        return SourceRefused(
            f"{name} answers, but refuses this user and password; it is asked again only rarely, "
            "as cameras lock out who tries too often"
        )
    if isinstance(error, av.error.HTTPNotFoundError):
        return StreamMissing(f"{name}: the server answers, but has no stream of that path (404)")
    if isinstance(error, av.error.HTTPClientError | av.error.HTTPError):
        return SourceMissing(f"{name}: the server answers with an error instead of a stream")
    if isinstance(error, ConnectionRefusedError):
        return SourceMissing(f"{name}: nobody listens there (connection refused)")
    if isinstance(error, av.error.ExitError) or elapsed_seconds >= camera.open_timeout_seconds:
        return SourceMissing(f"{name} has not answered within {camera.open_timeout_seconds:g} s")
    if not _host_is_known(str(camera.address.target)):
        return SourceMissing(
            f"{name}: there is no host of that name; in a password, write / as %2F, ? as %3F and "
            "# as %23"
        )
    if isinstance(error, av.error.InvalidDataError) and camera.address.kind == "rtsp":
        # To FFmpeg it is all the same; a camera that starts up hangs up, and is soon there.
        return SourceMissing(f"{name}: the server hangs up, or does not speak RTSP")
    if isinstance(error, av.error.InvalidDataError | av.error.DecoderNotFoundError):
        return SourceUnreadable(f"{name} answers with something that is no video")
    return SourceMissing(f"{name} cannot be reached")


def _host_is_known(url: str) -> bool:
    try:
        host = urlsplit(url).hostname
        if host:
            socket.getaddrinfo(host, None)
    except (OSError, ValueError):
        return False
    return True
