"""Why a stream cannot be opened, for a person, without its password.

FFmpeg's own messages contain the whole URL, so only the type of its error is used.
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
        camera: the camera.
        error: the exception of FFmpeg.
        elapsed_seconds: time from the start of opening to the exception.
    """
    name = camera.name
    if isinstance(error, av.error.HTTPUnauthorizedError | av.error.HTTPForbiddenError):
        return SourceRefused(
            f"{name} answers, but refuses this user and password; retries are rare, because "
            "cameras lock out clients that try too often"
        )
    if isinstance(error, av.error.HTTPNotFoundError):
        return StreamMissing(f"{name}: the server answers, but has no stream at that path (404)")
    if isinstance(error, av.error.HTTPClientError | av.error.HTTPError):
        return SourceMissing(f"{name}: the server answers with an error instead of a stream")
    if isinstance(error, ConnectionRefusedError):
        return SourceMissing(f"{name}: nothing is listening there (connection refused)")
    if isinstance(error, av.error.ExitError) or elapsed_seconds >= camera.open_timeout_seconds:
        return SourceMissing(f"{name} has not answered within {camera.open_timeout_seconds:g} s")
    if not _host_is_known(str(camera.address.target)):
        return SourceMissing(
            f"{name}: there is no host of that name; in a password, write / as %2F, ? as %3F and "
            "# as %23"
        )
    if isinstance(error, av.error.InvalidDataError) and camera.address.kind == "rtsp":
        # FFmpeg does not distinguish these; a camera that is starting up also closes connections.
        return SourceMissing(f"{name}: the server closes the connection, or does not speak RTSP")
    if isinstance(error, av.error.InvalidDataError | av.error.DecoderNotFoundError):
        return SourceUnreadable(f"{name} answers with something that is not video")
    return SourceMissing(f"{name} cannot be reached")


def _host_is_known(url: str) -> bool:
    try:
        host = urlsplit(url).hostname
        if host:
            socket.getaddrinfo(host, None)
    except (OSError, ValueError):
        return False
    return True
