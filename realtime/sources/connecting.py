"""Connect to a stream on the network.

This module knows nothing about frames and their times.
"""

from __future__ import annotations

import time

import av
from av.container import InputContainer

from rtaction.errors import SourceUnreadable
from rtaction.realtime.sources.cameras import Camera
from rtaction.realtime.sources.network_errors import explain_no_video, explain_open_failure

# How much of a stream is analysed before the first frame. RTSP describes its streams up front;
# a longer analysis only delays slow cameras, and the error for an unknown codec.
_ANALYSED_MICROSECONDS = {"rtsp": "100000", "http": "1000000"}
# FFmpeg follows playlists and redirects, but never to local files.
_PROTOCOLS = {
    "rtsp": "rtsp,rtsps,tcp,tls,udp,rtp",
    "http": "http,https,httpproxy,tcp,tls,crypto,hls",
}
# FFmpeg draws a text that is named like one, such as readme.txt, as a terminal would.
_NO_VIDEO = {"tty"}


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


def _open(camera: Camera) -> InputContainer:
    options = {
        "protocol_whitelist": _PROTOCOLS[camera.address.kind],
        # Otherwise FFmpeg buffers seconds of video to estimate the rate, which is not needed.
        "fpsprobesize": "0",
        "analyzeduration": _ANALYSED_MICROSECONDS[camera.address.kind],
    }
    if camera.address.kind == "rtsp":
        options["rtsp_transport"] = camera.transport
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
