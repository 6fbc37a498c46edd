"""The window on a real display: it shows the overlay, and q or its close button ends the run."""

from __future__ import annotations

import ctypes
import ctypes.util
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from rtaction.errors import DisplayUnavailable
from rtaction.opencv import cv2
from rtaction.realtime.outputs.drawn.overlay import ACCENT
from rtaction.realtime.outputs.screen import display_available, open_screen
from tests.displays import needs_x
from tests.realtime.conftest import (
    WAIT_SECONDS,
    Start,
    assert_one_error,
    command,
    environment,
    rtaction,
)

on_x = needs_x("xdotool", "import")
DEAD_DISPLAY = ":4094"


def on_display(display: str, *arguments: str) -> str:
    """What a program says on a display."""
    finished = subprocess.run(
        arguments,
        env=environment(DISPLAY=display),
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=True,
    )
    return finished.stdout


def screenshot(display: str, path: Path) -> npt.NDArray[np.uint8]:
    """The whole display as uint8 RGB; a window that changes meanwhile may spoil the first try."""
    for is_last in (False, False, True):
        try:
            on_display(display, "import", "-window", "root", str(path))
            break
        except subprocess.CalledProcessError:
            if is_last:
                raise
            time.sleep(0.2)
    image_bgr = cv2.imread(str(path))
    assert image_bgr is not None
    return np.asarray(cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB), np.uint8)


def started_cam(start: Start, display: str, model: Path, video: Path) -> subprocess.Popen[str]:
    """`rtaction cam --show`, once a label is on the screen."""
    process = start(
        *command("cam", "-m", model, "-s", video, "--show", "-o", "-"),
        env=environment(DISPLAY=display),
    )
    assert process.stdout is not None
    # When the third line is told, the frame of the first window has been drawn.
    for _ in range(3):
        assert process.stdout.readline(), process.communicate()[1]
    return process


def window_of(display: str) -> str:
    found = on_display(
        display, "xdotool", "search", "--sync", "--onlyvisible", "--name", "rtaction"
    )
    return found.split()[0]


def until_shown(
    display: str,
    process: subprocess.Popen[str],
    path: Path,
    is_shown: Callable[[npt.NDArray[np.uint8]], bool],
) -> npt.NDArray[np.uint8]:
    """The whole display as uint8 RGB, once it shows what is waited for.

    On a busy machine without a window manager Qt misses in about one start of twelve that its
    window has come, and leaves it black; taking the window away and back, as a person would do,
    is tried once.
    """
    began_seconds = time.monotonic()
    is_restored = False
    while not is_shown(shown := screenshot(display, path)):
        assert process.poll() is None, process.communicate()[1]
        waited_seconds = time.monotonic() - began_seconds
        assert waited_seconds < WAIT_SECONDS, "the window does not show it"
        if waited_seconds > WAIT_SECONDS / 3 and not is_restored and not shown.any():
            window = window_of(display)
            on_display(display, "xdotool", "windowunmap", "--sync", window, "windowmap", window)
            is_restored = True
    return shown


def ask_to_close(display: str, window: str) -> None:
    """What a window manager does when its close button is clicked."""
    library = ctypes.CDLL(ctypes.util.find_library("X11"))
    library.XOpenDisplay.restype = ctypes.c_void_p
    library.XOpenDisplay.argtypes = [ctypes.c_char_p]
    library.XInternAtom.restype = ctypes.c_ulong
    library.XInternAtom.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
    library.XSendEvent.argtypes = [
        *(ctypes.c_void_p, ctypes.c_ulong, ctypes.c_int, ctypes.c_long, ctypes.c_void_p)
    ]
    library.XCloseDisplay.argtypes = [ctypes.c_void_p]

    class ClientMessage(ctypes.Structure):
        _fields_ = (
            ("type", ctypes.c_int),
            ("serial", ctypes.c_ulong),
            ("send_event", ctypes.c_int),
            ("display", ctypes.c_void_p),
            ("window", ctypes.c_ulong),
            ("message_type", ctypes.c_ulong),
            ("format", ctypes.c_int),
            ("data", ctypes.c_long * 5),
            ("room_of_the_largest_event", ctypes.c_long * 12),
        )

    connection = library.XOpenDisplay(display.encode())
    assert connection
    protocols, delete = (
        library.XInternAtom(connection, name, 0) for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW")
    )
    client_message, as_numbers = 33, 32
    event = ClientMessage(
        type=client_message,
        send_event=1,
        window=int(window),
        message_type=protocols,
        format=as_numbers,
        data=(ctypes.c_long * 5)(delete),
    )
    library.XSendEvent(connection, int(window), 0, 0, ctypes.byref(event))
    library.XCloseDisplay(connection)


@on_x
def test_the_window_shows_label_and_bar(
    start: Start, display: str, tiny_model: Path, long_video: Path, tmp_path: Path
) -> None:
    assert (screenshot(display, tmp_path / "before.png") == 0).all()
    process = started_cam(start, display, tiny_model, long_video)
    window_of(display)

    shown = until_shown(
        *(display, process, tmp_path / "screen.png"),
        lambda image: bool((image == ACCENT).all(axis=-1).any()),
    )
    accent = (shown == ACCENT).all(axis=-1)

    # The bar of a score of 200 / 255 is 268 * 0.78 wide and 6 high.
    assert int(accent.sum()) > 1200
    assert accent.sum(axis=1).max() == pytest.approx(268 * 200 / 255, abs=3)
    grays = (np.ptp(shown.astype(int), axis=-1) < 3) & (abs(shown[..., 0].astype(int) - 200) < 5)
    assert int(grays.sum()) > 640 * 480 // 2
    process.kill()


@on_x
@pytest.mark.parametrize("key", ["q", "Escape"])
def test_a_key_ends_the_run(
    start: Start, display: str, tiny_model: Path, long_video: Path, key: str
) -> None:
    process = started_cam(start, display, tiny_model, long_video)
    on_display(display, "xdotool", "windowfocus", "--sync", window_of(display), "key", key)

    _, stderr = process.communicate(timeout=WAIT_SECONDS)

    assert process.returncode == 0, stderr
    assert "Traceback" not in stderr
    assert re.search(r"long\.mp4: \d+ frames \(", stderr)
    assert stderr.splitlines()[-1].endswith("MB of memory")


@on_x
def test_a_key_tells_the_figures(
    start: Start, display: str, tiny_model: Path, long_video: Path
) -> None:
    process = started_cam(start, display, tiny_model, long_video)
    assert process.stdout is not None
    window = window_of(display)

    on_display(display, "xdotool", "windowfocus", "--sync", window, "key", "s")
    while (line := json.loads(process.stdout.readline()))["type"] != "summary":
        assert line["type"] in ("prediction", "event")
    on_display(display, "xdotool", "windowfocus", "--sync", window, "key", "q")
    _, stderr = process.communicate(timeout=WAIT_SECONDS)

    assert process.returncode == 0, stderr
    assert line["sources"][str(long_video)]["frames"] > 0
    assert "so far:" in stderr


@on_x
def test_several_sources_share_the_window(
    start: Start, display: str, tiny_model: Path, long_video: Path, tmp_path: Path
) -> None:
    """One of them is a camera that nobody has; its tile stays dark while the other plays."""
    cameras = tmp_path / "cameras.toml"
    cameras.write_text(
        f"[[camera]]\nname = 'film'\nsource = '{long_video}'\n"
        "[[camera]]\nname = 'gone'\nurl = 'rtsp://127.0.0.1:9/x'\n",
        encoding="utf-8",
    )
    process = start(
        *command("cam", "-m", tiny_model, "--sources", cameras, "--show", "-o", "-"),
        env=environment(DISPLAY=display),
    )
    window_of(display)

    def film_plays(image: npt.NDArray[np.uint8]) -> bool:
        return bool((abs(image[300:400, 100:500].astype(int) - 200) < 6).mean() > 0.95)

    shown = until_shown(display, process, tmp_path / "screen.png", film_plays)
    process.kill()

    assert shown[300:400, 800:1000].max() < 40


@on_x
def test_the_close_button_ends_the_run(
    start: Start, display: str, tiny_model: Path, long_video: Path
) -> None:
    process = started_cam(start, display, tiny_model, long_video)
    ask_to_close(display, window_of(display))

    _, stderr = process.communicate(timeout=WAIT_SECONDS)

    assert "Traceback" not in stderr, stderr
    assert process.returncode == 0, stderr


@on_x
def test_the_window_opens_by_default_where_there_is_a_display(
    start: Start, display: str, tiny_model: Path, long_video: Path
) -> None:
    process = start(
        *command("cam", "-m", tiny_model, "-s", long_video), env=environment(DISPLAY=display)
    )

    assert window_of(display)
    process.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="displays are named in DISPLAY on Linux only")
@pytest.mark.parametrize("display_name", [DEAD_DISPLAY, "nonsense", ""])
def test_a_display_that_is_not_there(
    tiny_model: Path, halves_video: Path, display_name: str
) -> None:
    finished = rtaction(
        *("cam", "-m", tiny_model, "-s", halves_video, "--show"),
        env=environment(DISPLAY=display_name),
    )

    error = assert_one_error(finished.returncode, finished.stderr, 10)
    assert "--headless" in error


@pytest.mark.skipif(sys.platform != "linux", reason="displays are named in DISPLAY on Linux only")
@pytest.mark.parametrize("changes", [{}, {"DISPLAY": DEAD_DISPLAY}], ids=["none", "dead"])
def test_without_a_display_the_run_is_headless(
    tiny_model: Path, halves_video: Path, changes: dict[str, str]
) -> None:
    finished = rtaction("cam", "-m", tiny_model, "-s", halves_video, env=environment(**changes))

    assert finished.returncode == 0, finished.stderr
    assert [line.split()[4] for line in finished.stdout.splitlines()] == ["dark", "bright"]


@pytest.mark.skipif(sys.platform != "linux", reason="displays are named in DISPLAY on Linux only")
def test_no_window_without_a_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)

    assert not display_available()
    with pytest.raises(DisplayUnavailable, match="use --headless"):
        open_screen(True)


@on_x
def test_a_display_is_found(display: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", display)

    assert display_available()


@on_x
def test_a_shown_file_plays_to_its_end_and_tells_its_timeline(
    display: str, tiny_model: Path, halves_video: Path
) -> None:
    arguments = ("cam", "-m", tiny_model, "-s", halves_video)

    shown = rtaction(*arguments, "--show", env=environment(DISPLAY=display))

    assert shown.returncode == 0, shown.stderr
    rows = [line.split() for line in shown.stdout.splitlines()]
    headless = [line.split() for line in rtaction(*arguments, "--headless").stdout.splitlines()]
    assert [row[4] for row in rows] == [row[4] for row in headless]
    assert float(rows[0][0]) == 0.0
    assert float(rows[-1][2]) == pytest.approx(float(headless[-1][2]), abs=0.3)
