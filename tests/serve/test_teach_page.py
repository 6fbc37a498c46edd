"""Teach from the page: a browser records its camera, the server learns, and names what it sees.

The camera of the browser is a file that shows the drawn person of the demo over and over; another
file takes its place while the camera is off.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from rtaction.models import SAMPLE_CLIP
from rtaction.onnx_format.file import OnnxFile
from rtaction.opencv import cv2
from rtaction.realtime.model.action_model import ActionModel
from rtaction.serve.school.lessons import Lessons
from rtaction.serve.web.options import WebOptions
from rtaction.serve.web.server import WebServer
from rtaction.video.file import read_video
from tests.serve.fake_house import FakeHouse
from tests.serve.web.waiting import until

sync_api = pytest.importorskip("playwright.sync_api", reason="no playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium; apt-get install chromium"),
    pytest.mark.slow,
]
STANDS, WAVES = (0.0, 2.8), (3.7, 7.4)
# A camera of a file shows 30 pictures a second, and the demo has 15.
TIMES = 2
OTHER_NAME = "cams.example"
WAIT_MS = 60_000


def show_to(camera: Path, images: list[npt.NDArray[Any]]) -> None:
    """Let the camera show these, uint8 RGB, from when it is turned on next."""
    shown = camera.with_suffix(".new")
    with shown.open("wb") as file:
        for image in images:
            _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
            file.write(jpeg.tobytes() * TIMES)
    shown.replace(camera)


def scene(start_seconds: float, end_seconds: float) -> list[npt.NDArray[Any]]:
    """A part of the demo."""
    frames = read_video(SAMPLE_CLIP)
    return [
        one.image.copy() for one in frames if start_seconds <= one.captured_at_seconds < end_seconds
    ]


@pytest.fixture
def camera(tmp_path: Path) -> Path:
    """Shows nobody."""
    path = tmp_path / "camera.mjpeg"
    show_to(path, [np.full((240, 320, 3), shade, np.uint8) for shade in range(90, 120)])
    return path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[WebServer]:
    school = Lessons(tmp_path / "lessons", lambda path: ActionModel(path, device="cpu"))
    options = WebOptions(port=0, allowed_hosts=(OTHER_NAME,))
    started = WebServer(FakeHouse(tmp_path), options, school=school)
    started.start()
    yield started
    started.stop()
    school.close()


@pytest.fixture
def page(server: WebServer, camera: Path) -> Iterator[Any]:
    """Whatever the browser complains of fails the test."""
    arguments = [
        "--no-sandbox",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={camera}",
        f"--host-resolver-rules=MAP {OTHER_NAME} 127.0.0.1",
    ]
    complaints: list[str] = []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        opened = browser.new_page(viewport={"width": 1280, "height": 860})
        opened.set_default_timeout(WAIT_MS)
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.on("console", lambda one: complaints.append(f"{one.type}: {one.text}"))
        yield opened
        browser.close()
    # At an address that is not safe, browsers heed one of the headers no more.
    assert [one for one in complaints if "Opener-Policy header has been ignored" not in one] == []


def turn_on(page: Any) -> None:
    if page.get_by_role("button", name="Turn off").is_visible():
        page.get_by_role("button", name="Turn off").click()
    page.get_by_role("button", name="Use my camera").click()


def card(page: Any, label: str) -> Any:
    return page.locator(".label-card").filter(has=page.get_by_role("heading", name=label))


def test_taught_seen_and_downloaded(
    page: Any, server: WebServer, camera: Path, tmp_path: Path
) -> None:
    page.goto(f"{server.url}#/teach")
    page.get_by_role("button", name="Begin a lesson").click()
    page.locator(".bar-below").wait_for()
    page.get_by_label("A take lasts").select_option("2")
    page.get_by_label("Countdown").select_option("1")

    record_nothing = page.get_by_role("button", name="Record a take of nothing")
    record_nothing.press("Enter")
    page.get_by_text("nobody was seen; step into view").wait_for()

    show_to(camera, scene(*STANDS))
    turn_on(page)
    page.get_by_role("button", name="Record 5 takes of nothing").click()
    card(page, "nothing").get_by_text("2 takes").wait_for()
    page.keyboard.press("Escape")
    assert page.get_by_text("Record takes of two labels").count() == 0
    assert page.locator("#learn").is_disabled()

    show_to(camera, scene(*WAVES))
    turn_on(page)
    name = page.get_by_role("textbox", name="Name of the label")
    name.fill("a/b")
    name.press("Enter")
    page.get_by_text("Expected a name without").wait_for()
    name.fill("my wave")
    page.get_by_role("button", name="Record 5 takes of my wave").click()
    card(page, "my wave").get_by_text("2 takes").wait_for()
    page.get_by_role("button", name="Stop").click()

    page.locator("#learn").click()
    page.get_by_role("progressbar", name="Learning").wait_for()
    assert record_nothing.is_disabled()
    page.get_by_text("trained on 4 takes: my wave 2, nothing 2").wait_for()
    page.locator(".chip.is-active", has_text="my wave").wait_for()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the ONNX file").click()
    model = tmp_path / "downloaded.onnx"
    download.value.save_as(model)
    OnnxFile(model.read_bytes())
    assert set(ActionModel(model, device="cpu").spec.labels) == {"my wave", "nothing"}

    assert record_nothing.is_enabled()
    page.get_by_role("button", name="Delete the last take of my wave").click()
    page.get_by_text("does not know your newest takes").wait_for()
    page.get_by_role("link", name="Lessons").click()
    page.get_by_text("my wave (1), nothing (2)").wait_for()
    page.get_by_role("button", name="Remove the lesson").click()
    page.get_by_role("button", name="Remove with 3 takes?").click()
    until(lambda: not list((tmp_path / "lessons").iterdir()))


def test_an_unsafe_address_is_told_of(page: Any, server: WebServer) -> None:
    page.goto(f"http://{OTHER_NAME}:{server.port}/#/me")
    page.get_by_text(f"open http://localhost:{server.port}").wait_for()
    assert not page.get_by_role("button", name="Use my camera").is_visible()
