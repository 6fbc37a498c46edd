"""What a real display shows comes as frames, each colour and each pixel where it should be."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from rtaction.errors import CameraLost, MissingLibrary, SourceMissing
from rtaction.installation import install_command
from rtaction.opencv import cv2
from rtaction.realtime.cameras.address import parse_address
from rtaction.realtime.sources.screen import ScreenSource
from tests.displays import needs_x, started_display
from tests.realtime.conftest import WAIT_SECONDS, environment

needs_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="displays are named in DISPLAY on Linux only"
)
on_x = needs_x("display")
HEIGHT, WIDTH = 120, 160


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    """A display of this process."""
    server, name = started_display(f"{WIDTH}x{HEIGHT}x24", "-noreset")
    monkeypatch.setenv("DISPLAY", name)
    yield server
    server.kill()
    server.wait(WAIT_SECONDS)


def drawn(folder: Path) -> npt.NDArray[np.uint8]:
    """Draw a picture, in which no two rows or columns are alike, on the whole display."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH].astype(np.uint8)
    image_rgb = np.stack([rows, columns, rows ^ columns], axis=-1)
    path = folder / "drawn.png"
    assert cv2.imwrite(str(path), cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR))
    subprocess.run(
        ["display", "-window", "root", str(path)],
        env=environment(DISPLAY=os.environ["DISPLAY"]),
        timeout=WAIT_SECONDS,
        check=False,  # that of ImageMagick 6 ends with 1 after it has drawn
    )
    return image_rgb


def source_of(text: str) -> ScreenSource:
    return ScreenSource(parse_address(text))


@on_x
@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("screen:", np.s_[:, :]),
        ("screen:1", np.s_[:, :]),
        ("screen:10,20,30,40", np.s_[20:60, 10:40]),
        ("screen:159,119,1,1", np.s_[119:, 159:]),
    ],
)
def test_every_pixel_is_there(tmp_path: Path, text: str, part: tuple[slice, slice]) -> None:
    expected = drawn(tmp_path)[part]
    source = source_of(text)

    frame = next(source.frames())

    assert np.array_equal(frame.image, expected)
    assert frame.source == source.name == parse_address(text).name
    assert source.is_live
    assert source.frames_per_second == 30.0


@on_x
@pytest.mark.usefixtures("server")
def test_frames_come_at_most_30_times_a_second() -> None:
    source = source_of("screen:")
    before_seconds = time.monotonic()
    frames = []
    for frame in source.frames():
        frames.append(frame)
        assert frame.captured_at_seconds <= time.monotonic()
        if len(frames) == 10:
            source.close()

    times = [before_seconds, *(frame.captured_at_seconds for frame in frames)]
    assert [frame.index for frame in frames] == list(range(10))
    assert (np.diff(times) > 0).all()
    # A busy machine takes a picture late, and then the next in time; the schedule holds.
    assert times[-1] - before_seconds >= 9 / 30 - 0.001


@on_x
@pytest.mark.usefixtures("server")
def test_what_changes_is_seen(tmp_path: Path) -> None:
    frames = source_of("screen:").frames()
    assert (next(frames).image == 0).all()

    expected = drawn(tmp_path)

    assert np.array_equal(next(frames).image, expected)


@on_x
@pytest.mark.usefixtures("server")
def test_a_slow_reader_gets_no_burst() -> None:
    frames = source_of("screen:").frames()
    next(frames)
    time.sleep(0.5)
    asked_at_seconds = time.monotonic()

    times = [next(frames).captured_at_seconds for _ in range(4)]

    # The first is due when it is asked for, the others each 1/30 s later; any may come late.
    assert times[-1] - asked_at_seconds >= 3 / 30 - 0.001


@on_x
@pytest.mark.usefixtures("server")
def test_closing_ends_it() -> None:
    source = source_of("screen:")
    first_seen = threading.Event()

    def read() -> None:
        for _ in source.frames():
            first_seen.set()

    thread = threading.Thread(target=read)
    thread.start()
    assert first_seen.wait(WAIT_SECONDS)
    source.close()

    thread.join(WAIT_SECONDS)
    assert not thread.is_alive()


@on_x
@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("screen:2", "screen 2: there is no such monitor; expected a number from 1 to 1"),
        ("screen:-1,0,10,10", "lies outside the display, which spans 0,0 to 160,120"),
        ("screen:0,-1,10,10", "lies outside"),
        ("screen:151,0,10,10", "lies outside"),
        ("screen:0,111,10,10", "lies outside"),
    ],
)
def test_a_part_that_is_not_there(text: str, message: str) -> None:
    with pytest.raises(SourceMissing, match=message):
        source_of(text)


@on_x
def test_a_display_that_goes_away(server: subprocess.Popen[bytes]) -> None:
    source = source_of("screen:")
    frames = source.frames()
    next(frames)
    server.kill()
    server.wait(WAIT_SECONDS)

    with pytest.raises(CameraLost, match="can no longer be read"):
        next(frames)
    with pytest.raises(SourceMissing, match="there is no display"):
        next(source.frames())


@needs_linux
@pytest.mark.parametrize("display", [None, "", ":4094", "nonsense"])
def test_no_display(monkeypatch: pytest.MonkeyPatch, display: str | None) -> None:
    pytest.importorskip("mss")
    monkeypatch.delenv("DISPLAY", raising=False)
    if display is not None:
        monkeypatch.setenv("DISPLAY", display)

    with pytest.raises(SourceMissing, match="screen: there is no display to watch"):
        source_of("screen:")


def test_without_mss(monkeypatch: pytest.MonkeyPatch) -> None:
    absent: Any = None
    monkeypatch.setitem(sys.modules, "mss", absent)

    with pytest.raises(MissingLibrary, match=re.escape(install_command("screen"))):
        source_of("screen:")
