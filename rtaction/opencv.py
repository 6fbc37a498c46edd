"""OpenCV, loaded with the settings that rtaction needs.

Import it from here: `from rtaction.opencv import cv2`. A missing system library then becomes an
error that says how to install it, and FFmpeg is silenced before it can print a camera's password.
"""

from __future__ import annotations

import os

from rtaction.errors import MissingLibrary

# FFmpeg prints whole URLs, credentials included, to stderr; -8 is its AV_LOG_QUIET.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
# RTP over UDP loses packets on busy networks, which corrupts frames; TCP does not.
os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp")

REMEDY = (
    "Install the system libraries it needs:\n"
    "  Debian, Ubuntu:  sudo apt-get install libxcb1 libgl1 libglib2.0-0\n"
    "  Fedora:          sudo dnf install libxcb mesa-libGL glib2\n"
    "or, if no window is ever needed:\n"
    "  pip uninstall -y opencv-python && pip install opencv-python-headless"
)

try:
    import cv2
except ImportError as error:
    raise MissingLibrary(f"OpenCV cannot be loaded: {error}.\n{REMEDY}") from None

__all__ = ["cv2"]
