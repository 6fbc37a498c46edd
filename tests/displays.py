"""Displays that nobody sees, for tests of windows and of screens."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest


def needs_x(*programs: str) -> pytest.MarkDecorator:
    """Skips a test where Xvfb, or a program that the test runs on it, is missing."""
    missing = [program for program in ("Xvfb", *programs) if shutil.which(program) is None]
    return pytest.mark.skipif(
        sys.platform != "linux" or bool(missing),
        reason=f"needs Linux and, of Debian's xvfb, xdotool and imagemagick: {', '.join(missing)}",
    )


def started_display(screen: str, *options: str) -> tuple[subprocess.Popen[bytes], str]:
    """A server, and the name of its display, such as ":1".

    Args:
        screen: width, height and bits of a pixel, such as "1024x768x24".
        options: more of Xvfb's; without "-noreset" it forgets what was drawn once nobody is
            connected.
    """
    readable, writable = os.pipe()
    basic = ("-displayfd", str(writable), "-screen", "0", screen, "-nolisten", "tcp")
    server = subprocess.Popen(
        ["Xvfb", *basic, *options],
        pass_fds=[writable],
        stderr=subprocess.DEVNULL,
    )
    os.close(writable)
    with open(readable, encoding="ascii") as pipe:
        number = pipe.readline().strip()
    assert number, "Xvfb did not start"
    return server, f":{number}"
