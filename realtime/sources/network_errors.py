"""Why a stream cannot be opened, for a person, without its password.

FFmpeg's own messages contain the whole URL, so only the type of its error is used.
"""

from __future__ import annotations

import errno
import socket
from urllib.parse import urlsplit

import av

from rtaction.errors import (
    SourceError,
    SourceMissing,
    SourceRefused,
    SourceUnreachable,
    SourceUnreadable,
    StreamMissing,
)
from rtaction.realtime.cameras.camera import Camera
from rtaction.realtime.sources.http_answer import HttpAnswer, ask
from rtaction.redaction import scrub

# What a web server sends instead of a stream, by the beginning of its content type.
_NO_STREAMS = (
    ("text/html", "a web page"),
    ("application/xhtml", "a web page"),
    ("application/json", "data"),
    ("application/xml", "data"),
    ("text/", "text"),
    ("image/", "a single picture"),
)
_LOOK_ELSEWHERE = "look for the address of the stream itself in the camera's settings or manual"

_Kind = type[Exception] | tuple[type[Exception], ...]
_STATUSES: tuple[tuple[_Kind, type[SourceError], str], ...] = (
    (
        av.error.HTTPUnauthorizedError,
        SourceRefused,
        "{name} answers, but refuses this user and password (401); retries are rare, because "
        "cameras lock out clients that try too often",
    ),
    (
        av.error.HTTPForbiddenError,
        SourceRefused,
        "{name} answers, but forbids access (403); check whether this user may see the stream, and "
        "whether the camera admits this computer",
    ),
    (
        av.error.HTTPNotFoundError,
        StreamMissing,
        "{name}: the server answers, but has no stream at that path (404)",
    ),
    (
        av.error.HTTPBadRequestError,
        SourceMissing,
        "{name}: the server answers with an error: it does not understand the request (400); check "
        "the address",
    ),
    (
        av.error.HTTPTooManyRequestsError,
        SourceMissing,
        "{name}: the server answers with an error: too many requests (429)",
    ),
    (
        av.error.HTTPServerError,
        SourceMissing,
        "{name}: the server answers with an error of its own (5xx) instead of a stream; it may be "
        "starting up or overloaded",
    ),
    (
        (av.error.HTTPClientError, av.error.HTTPError),
        SourceMissing,
        "{name}: the server answers with an error instead of a stream (4xx)",
    ),
)
"""Statuses of HTTP and RTSP with their errors; the first that fits counts."""


def explain_open_failure(camera: Camera, error: Exception, elapsed_seconds: float) -> SourceError:
    """The error to raise instead of FFmpeg's.

    Where FFmpeg only tells that it found no video, a web server is asked once more what it sends.

    Args:
        camera: the camera.
        error: the exception of FFmpeg.
        elapsed_seconds: time from the start of opening to the exception.
    """
    name = camera.name
    if (explained := _explain_status(name, error)) is not None:
        return explained
    if isinstance(error, ConnectionRefusedError):
        return SourceUnreachable(f"{name}: nothing is listening there (connection refused)")
    if isinstance(error, av.error.ExitError) or elapsed_seconds >= camera.open_timeout_seconds:
        return SourceUnreachable(
            f"{name} has not answered within {camera.open_timeout_seconds:g} s"
        )
    if not _host_is_known(str(camera.address.target)):
        return SourceUnreachable(
            f"{name}: there is no host of that name; in a password, write / as %2F, ? as %3F and "
            "# as %23"
        )
    if camera.address.kind == "http":
        return explain_no_video(camera)
    if getattr(error, "errno", None) == errno.EPROTONOSUPPORT:
        other = "udp" if camera.transport == "tcp" else "tcp"
        return SourceMissing(
            f"{name} does not offer its stream by {camera.transport.upper()}; leave transport out, "
            f'or set transport = "{other}"'
        )
    if isinstance(error, av.error.InvalidDataError):
        # FFmpeg does not distinguish these; a camera that is starting up also closes connections.
        return SourceUnreachable(
            f"{name}: the server closes the connection, or does not speak RTSP"
        )
    if isinstance(error, av.error.DecoderNotFoundError):
        return SourceUnreadable(f"{name} answers with something that is not video")
    return SourceMissing(f"{name} cannot be reached")


def explain_no_video(camera: Camera) -> SourceError:
    """The error for a web server that answers, but not with video.

    Args:
        camera: with an address of the kind "http"; its server is asked what it sends.
    """
    name = camera.name
    answer = ask(
        str(camera.address.target),
        timeout_seconds=camera.read_timeout_seconds,
        follow=camera.follow,
    )
    if answer is None:
        return SourceMissing(f"{name}: the server closes the connection without an answer")
    # A server may repeat the password in the address that it redirects to.
    target = scrub(answer.redirected_to, camera.address.secrets)
    who = f"{name} redirects to {target}, which" if target else name
    if answer.status >= 400:
        return SourceMissing(f"{who} answers with an error ({answer.status}) instead of a stream")
    if answer.status >= 300 and camera.follow:
        return SourceUnreadable(
            f"{who} is not followed, because it is no http:// or https:// address"
        )
    if answer.status >= 300:
        return SourceUnreadable(f"{who} is not followed as asked; give that address itself")
    if answer.is_empty:
        return SourceUnreadable(f"{who} gives an empty answer; {_LOOK_ELSEWHERE}")
    return SourceUnreadable(f"{who} {_what_came(answer)}")


def single_picture(camera: Camera) -> SourceUnreadable:
    """The error for an address that gives one picture and ends."""
    return SourceUnreadable(
        f"{camera.name} answers with a single picture, not with a video stream; {_LOOK_ELSEWHERE}"
    )


def not_in_parts(camera: Camera) -> SourceUnreadable:
    """The error for a video file whose header came, but no frame."""
    return SourceUnreadable(
        f"{camera.name} is a video file whose index can be read, but not its frames; if the server "
        "sends no parts of files (HTTP ranges), download it, or put its index first with "
        "ffmpeg -i FILE -c copy -movflags +faststart NEW"
    )


def _what_came(answer: HttpAnswer) -> str:
    kind = answer.content_type
    if "mpegurl" in kind or kind == "application/dash+xml":
        return (
            f"answers with a playlist ({kind}) that cannot be read or, with follow = false or "
            "--no-follow, is not followed"
        )
    for beginning, what in _NO_STREAMS:
        if kind.startswith(beginning):
            login = ", perhaps to log in" if what == "a web page" and answer.redirected_to else ""
            return (
                f"answers with {what} ({kind}){login}, not with a video stream; {_LOOK_ELSEWHERE}"
            )
    told = f" ({kind})" if kind else ""
    return f"answers with something that is not video, or is damaged{told}; {_LOOK_ELSEWHERE}"


def _explain_status(name: str, error: Exception) -> SourceError | None:
    """The error for a status of HTTP or RTSP; None if there was none."""
    for kind, made, text in _STATUSES:
        if isinstance(error, kind):
            return made(text.format(name=name))
    return None


def _host_is_known(url: str) -> bool:
    try:
        host = urlsplit(url).hostname
        if host:
            socket.getaddrinfo(host, None)
    except (OSError, ValueError):
        return False
    return True
