"""Connect to a stream on the network.

This module knows nothing about frames and their times.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace

import av
from av.container import InputContainer

from rtaction.errors import (
    SourceError,
    SourceRefused,
    SourceUnreachable,
    SourceUnreadable,
    StreamMissing,
)
from rtaction.realtime.cameras.camera import Camera, Transport
from rtaction.realtime.sources.network_errors import explain_no_video, explain_open_failure

# How much of a stream is analysed before the first frame. RTSP describes its streams up front;
# a longer analysis only delays slow cameras, and the error for an unknown codec.
_ANALYSED_MICROSECONDS = {"rtsp": "100000", "http": "1000000"}
# FFmpeg follows playlists and redirects, but never to local files.
_PROTOCOLS = {
    "rtsp": "rtsp,rtsps,tcp,tls,udp,rtp",
    "http": "http,https,httpproxy,tcp,tls,crypto,hls",
}
# Formats that name no other addresses to read from, unlike playlists (hls, dash, concat, sdp).
_SELF_CONTAINED = (
    "asf,avi,flv,gif,h264,hevc,ivf,jpeg_pipe,live_flv,m4v,matroska,mjpeg,mov,mpeg,mpegts,"
    "mpegvideo,mpjpeg,nut,obu,ogg,png_pipe,webp_pipe"
)
# FFmpeg draws a text that is named like one, such as readme.txt, as a terminal would.
_NO_VIDEO = {"tty"}

_log = logging.getLogger(__name__)
# The transport by which an address was last opened, so that a reconnect begins with it.
_worked: dict[str, Transport] = {}


def open_stream(camera: Camera) -> InputContainer:
    """Open a camera or a stream; its first video stream can be decoded.

    Args:
        camera: with an address of the kind "rtsp" or "http".

    Raises:
        SourceError: see `StreamSource`.
    """
    container = _open(camera)
    try:
        if container.format.name in _NO_VIDEO:
            raise explain_no_video(camera)
        videos = container.streams.video
        if not videos:
            raise SourceUnreadable(f"{camera.name} sends no video")
        if videos[0].codec_context is None:  # PyAV's type lacks the None
            raise SourceUnreadable(
                f"{camera.name} sends video with an unsupported codec; set the camera to H.264"
            )
    except SourceUnreadable:
        container.close()
        raise
    return container


def transport_of(camera: Camera) -> Transport:
    """The transport by which an open RTSP camera is read, "tcp" or "udp"."""
    if camera.transport != "auto":
        return camera.transport
    return _worked.get(str(camera.address.target), "tcp")


def forget_transport(camera: Camera) -> None:
    """Begin anew with TCP: by the transport that opened the camera, nothing came."""
    _worked.pop(str(camera.address.target), None)


def _open(camera: Camera) -> InputContainer:
    if camera.address.kind == "rtsp" and camera.transport == "auto":
        return _open_by_any_transport(camera)
    return _open_as_set(camera)


def _open_by_any_transport(camera: Camera) -> InputContainer:
    """Open an RTSP stream by TCP or, if the server has no stream by TCP, by UDP."""
    url = str(camera.address.target)
    first = _worked.get(url, "tcp")
    second: Transport = "udp" if first == "tcp" else "tcp"
    try:
        container, worked = _open_as_set(replace(camera, transport=first)), first
    except (SourceRefused, StreamMissing, SourceUnreachable):
        raise  # the other transport would be asked in the same way, and answered alike
    except SourceError as error:
        try:
            container, worked = _open_as_set(replace(camera, transport=second)), second
        except SourceError:
            _worked.pop(url, None)
            raise error from None
        if worked == "udp":
            _log.warning(
                "%s: it refuses TCP and is read by UDP, by which frames may get lost", camera.name
            )
    _worked[url] = worked
    return container


def _open_as_set(camera: Camera) -> InputContainer:
    options = {
        "protocol_whitelist": _PROTOCOLS[camera.address.kind],
        # Otherwise FFmpeg buffers seconds of video to estimate the rate, which is not needed.
        "fpsprobesize": "0",
        "analyzeduration": _ANALYSED_MICROSECONDS[camera.address.kind],
    }
    if camera.address.kind == "rtsp":
        options["rtsp_transport"] = camera.transport
    elif not camera.follow:
        options |= {"max_redirects": "0", "format_whitelist": _SELF_CONTAINED}
    started_seconds = time.monotonic()
    timeouts = (camera.open_timeout_seconds, camera.read_timeout_seconds)
    try:
        return av.open(
            str(camera.address.target),
            options=options,
            timeout=timeouts,
            metadata_errors="replace",
        )
    except (av.error.FFmpegError, OSError, ValueError) as error:
        elapsed_seconds = time.monotonic() - started_seconds
        raise explain_open_failure(camera, error, elapsed_seconds) from None
