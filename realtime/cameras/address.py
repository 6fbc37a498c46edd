"""Parse `--source`, and decide what of it may be displayed.

Only the schemes listed here are ever opened: FFmpeg would also accept `concat:`, `subfile:` and
others that read local files. This module opens nothing; it only looks at names.
"""

from __future__ import annotations

import logging
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rtaction.errors import SourceMissing, UsageError
from rtaction.realtime.cameras.listing import is_pattern, list_files, pictures_among, videos_among
from rtaction.redaction import SIGNS_OF_A_URL, redact, secrets_of
from rtaction.video.file import require_utf8
from rtaction.video.video_files import named

_log = logging.getLogger(__name__)

Kind = Literal["webcam", "file", "images", "rtsp", "http", "screen"]
_SCHEMES: dict[str, Kind] = {"rtsp": "rtsp", "rtsps": "rtsp", "http": "http", "https": "http"}
# The schemes that an error may repeat from a rejected address; any other text may be a password.
_OTHER_SCHEMES = ("file", "ftp", "mms", "rtmp", "rtmps", "rtp", "sftp", "srt", "tcp", "udp")
_SCREEN = re.compile(r"([1-9]\d?)?|-?\d{1,5},-?\d{1,5},[1-9]\d{0,4},[1-9]\d{0,4}", re.ASCII)


@dataclass(frozen=True, slots=True, repr=False)
class Address:
    """Where frames come from.

    Args:
        kind: how to open it.
        target: what to open: a webcam's number or device, a video file, image files as for
            `list_files`, a URL, or for a screen "", a monitor's number or "left,top,width,height".
            It may contain a password, so it is never displayed.
        name: its display name, without password.
    """

    kind: Kind
    target: str | int
    name: str

    def __repr__(self) -> str:
        return f"Address({self.kind}, {self.name})"

    @property
    def secrets(self) -> frozenset[str]:
        """The parts of a URL that `scrub` must hide, in every notation; see there.

        If the parts of the URL are ambiguous, everything that may be a secret is included. Empty if
        the whole address may be displayed.
        """
        if self.kind not in ("rtsp", "http") or redact(str(self.target)) == self.target:
            return frozenset()
        return secrets_of(str(self.target))


def parse_address(text: str, *, given_as: str = "--source") -> Address:
    """Parse a source.

    Args:
        text: a webcam's number ("0") or device ("/dev/video0"); a video file; images, as a
            folder, a glob or a name with a number such as `shots/%05d.png`; a screen ("screen:",
            "screen:2" or "screen:LEFT,TOP,WIDTH,HEIGHT"); or an address that starts with rtsp://,
            rtsps://, http:// or https://.
        given_as: the name of the option or key, for errors. Default "--source".

    Raises:
        UsageError: an unknown scheme, an invalid screen, or several videos.
        SourceMissing: there is no such device or file.
    """
    addresses = parse_addresses(text, given_as=given_as)
    first = addresses[0]
    if first.kind == "file" and first.target != text:
        raise UsageError(
            f"{given_as} {text!r} matches {len(addresses)} videos; expected one, such as "
            f"{first.name!r}"
        )
    return first


def parse_addresses(text: str, *, given_as: str = "--source") -> list[Address]:
    """Parse a source that may match several videos.

    Args:
        text: as for `parse_address`, or a folder or glob of videos; in a glob, "**" matches any
            number of folders.
        given_as: the name of the option or key, for errors. Default "--source".

    Returns:
        At least one; videos in natural order, clip2 before clip10. Images next to videos are
        ignored.

    Raises:
        UsageError, SourceMissing: as by `parse_address`.
    """
    if re.fullmatch(r"\d{1,4}", text, re.ASCII):
        return [Address("webcam", int(text), f"webcam {int(text)}")]
    scheme, separator, _ = text.partition("://")
    if separator:
        kind = _SCHEMES.get(scheme.lower())
        if kind is None:
            # Any other text before "://" may be a password after a typo.
            is_shown = scheme.lower() in _OTHER_SCHEMES
            named = f" of the kind {scheme!r}" if is_shown else " like this"
            known = ", ".join(f"{one}://" for one in _SCHEMES)
            raise UsageError(
                f"{given_as}: cannot open addresses{named}; expected one of {known}, the number of "
                "a webcam, or a file"
            )
        return [Address(kind, text, redact(text))]
    if text.startswith("screen:"):
        return [_screen(text, given_as)]
    if os.path.exists(text):  # unlike Path.exists, False for a name that is too long
        return _existing(text, given_as)
    if is_pattern(text) and (files := list_files(text)):
        return _videos_or_images(text, files, given_as)
    raise SourceMissing(
        f"{given_as} {_shown(text)}: there is no such file; expected a webcam's number such as "
        "0, a video file, or an address such as rtsp://camera/stream"
    )


def _screen(text: str, given_as: str) -> Address:
    target = text.removeprefix("screen:").replace(" ", "")
    if _SCREEN.fullmatch(target) is None:
        raise UsageError(
            f"{given_as}: invalid part of the screen; expected screen: for the main monitor, "
            "screen:2 for the second, or screen:LEFT,TOP,WIDTH,HEIGHT in pixels"
        )
    return Address("screen", target, f"screen {target}".strip())


def _existing(text: str, given_as: str) -> list[Address]:
    path = Path(text)
    require_utf8(path)
    if path.is_char_device():
        # OpenCV opens V4L devices by number; /dev/v4l/by-id/... are links to /dev/videoN.
        number = re.fullmatch(r"/dev/video(\d+)", os.path.realpath(path))
        return [Address("webcam", int(number.group(1)) if number else text, text)]
    if path.is_dir():
        return _videos_or_images(text, list_files(text), given_as)
    if not path.is_file():
        raise SourceMissing(f"{given_as} {text!r} is not a file; expected a video file")
    return [Address("file", text, text)]


def _videos_or_images(text: str, files: list[Path], given_as: str) -> list[Address]:
    videos = videos_among(files)
    passed_over = [path for path in files if path not in videos] if videos else []
    if passed_over:
        _log.warning("%s: passed over, not named like a video: %s", text, named(passed_over))
    for path in (Path(text), *videos):
        require_utf8(path)
    if videos:
        return [Address("file", str(video), str(video)) for video in videos]
    if pictures_among(files):
        return [Address("images", text, text)]
    raise SourceMissing(
        f"{given_as} {text!r} is not a file, and matches neither videos nor images; expected "
        "files such as clip1.mp4 or 00001.png"
    )


def _shown(text: str) -> str:
    """A mistaken source as an error may display it: it may be a URL with a typo."""
    without_drive = re.sub(r"^[A-Za-z]:(?=[\\/])", "", text)
    if SIGNS_OF_A_URL.search(without_drive):
        return "(hidden, because it may contain a password)"
    return repr(text)
