"""The page, in a real browser."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rtaction.serve.web.options import Limits, WebOptions
from rtaction.serve.web.routes.webrtc import why_not
from rtaction.serve.web.server import WebServer
from tests.serve.fake_house import FakeHouse
from tests.serve.web.conftest import LESSON, TOKEN
from tests.serve.web.waiting import until

sync_api = pytest.importorskip("playwright.sync_api", reason="no playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium; apt-get install chromium"),
    pytest.mark.slow,
]
DESK, PHONE = (1360, 850), (390, 844)
VIEWS = (
    "#/",
    "#/camera/front-door",
    "#/events",
    "#/machine",
    "#/me",
    "#/teach",
    f"#/teach/{LESSON}",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def kept_house(tmp_path_factory: pytest.TempPathFactory) -> FakeHouse:
    """With a camera that has its troubles, and more than two."""
    return FakeHouse(tmp_path_factory.mktemp("house"), num_cameras=7)


@pytest.fixture
def open_page(browser: Any, house: FakeHouse, kept_server: WebServer) -> Iterator[Any]:
    """Opens the page; whatever the browser complains of fails the test."""
    complaints: list[str] = []
    contexts = []

    def opened(address: str = "#/", size: tuple[int, int] = DESK, **options: Any) -> Any:
        viewport = {"width": size[0], "height": size[1]}
        context = browser.new_context(viewport=viewport, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda one: complaints.append(f"{one.type}: {one.text}"))
        page.goto(f"{kept_server.url}{address}")
        page.wait_for_selector("#link-state.is-good")
        return page

    yield opened
    for context in contexts:
        context.close()
    # That a picture is not there yet, or a file has a mistake, is no complaint about the page.
    assert [one for one in complaints if "Failed to load resource" not in one] == []


def _holds(page: Any, script: str) -> None:
    """Wait for it; Playwright's own way to wait is what the page's policy forbids: `eval`."""
    until(lambda: bool(page.evaluate(script)))


def test_a_grid_of_cameras_with_live_pictures(open_page: Any, house: FakeHouse) -> None:
    page = open_page()
    _holds(page, "document.querySelectorAll('.camera').length === 7")
    _holds(page, "document.querySelector('.camera img').naturalWidth > 100")
    first = page.locator(".camera").first
    assert "Front door" in first.inner_text()
    assert re.search(r"wave\s*\d+ %", page.locator("#grid").inner_text())
    assert "nothing answers at 192.168.1.26" in page.locator(".camera").nth(6).inner_text()
    before = first.locator("img").get_attribute("src")
    _holds(page, f"document.querySelector('.camera img').src !== '{before}'")


def test_pictures_are_fetched_only_while_they_are_seen(open_page: Any, house: FakeHouse) -> None:
    page = open_page(size=PHONE)
    _holds(page, "document.querySelector('.camera img').naturalWidth > 100")
    asked = house.num_pictures["front-door"], house.num_pictures["gate"]
    until(lambda: house.num_pictures["front-door"] > asked[0] + 1)
    assert house.num_pictures["gate"] == asked[1]
    page.locator(".camera").nth(6).scroll_into_view_if_needed()
    _holds(page, "document.querySelectorAll('.camera img')[6].naturalWidth > 100")
    seen = house.num_pictures["front-door"]
    page.wait_for_timeout(1500)
    assert house.num_pictures["front-door"] <= seen + 1
    page.goto(page.url.split("#")[0] + "#/machine")
    page.wait_for_selector(".tile")
    seen = house.num_pictures["gate"]
    page.wait_for_timeout(1500)
    assert house.num_pictures["gate"] <= seen + 1


def test_an_event_appears_and_its_clip_plays(open_page: Any, house: FakeHouse) -> None:
    page = open_page()
    page.wait_for_selector(".latest .empty:visible")
    event = house.add_event("garden", "fall").id
    page.click(f".latest [data-id='{event}'] .open")
    assert page.locator("#told").inner_text() == "fall, Garden"
    _holds(page, "document.querySelector('dialog video').currentTime > 0.2")
    # The key works, and so does the way back.
    page.keyboard.press("w")
    page.wait_for_selector("dialog button[aria-pressed=true]:has-text('Wrong')")
    assert house.records[event].verdict == "wrong"
    page.keyboard.press("l")
    page.keyboard.type("walk")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog .verdict-of:has-text('It was walk')")
    assert house.records[event].verdict == "walk"
    page.click("dialog button:has-text('Take back')")
    _holds(page, "document.querySelector('dialog .verdict-of').textContent === ''")
    assert house.records[event].verdict is None
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    assert page.evaluate("document.activeElement.className") == "open"


def test_events_are_filtered_and_exported(open_page: Any, house: FakeHouse) -> None:
    for camera, label in (("garden", "fall"), ("garden", "wave"), ("driveway", "wave")):
        house.add_event(camera, label, ago_seconds=1, duration_seconds=0.5)
    page = open_page("#/events")
    _holds(page, "document.querySelectorAll('.event').length === 3")
    assert page.locator(".day .bar").count() == 3
    page.select_option("#filter-label", "wave")
    _holds(page, "document.querySelectorAll('.event').length === 2")
    page.select_option("#filter-camera", "garden")
    _holds(page, "document.querySelectorAll('.event').length === 1")
    assert "camera=garden&label=wave" in page.url
    page.reload()
    _holds(page, "document.querySelectorAll('.event').length === 1")
    assert page.locator(".event .open").inner_text() == "wave · Garden"
    # One that comes is in the list only if it fits.
    house.add_event("driveway", "wave", ago_seconds=1, duration_seconds=0.5)
    house.add_event("garden", "wave", ago_seconds=1, duration_seconds=0.5)
    _holds(page, "document.querySelectorAll('.event').length === 2")
    with page.expect_download() as download:
        page.click("text=Day as CSV")
    assert len(Path(download.value.path()).read_text().splitlines()) >= 5


IS_LARGE = (
    "document.querySelector('.large img').naturalWidth >= 1280"
    " || document.querySelector('.large video').videoWidth >= 1280"
)


def test_a_large_camera_is_a_video_where_that_works(open_page: Any, kept_server: WebServer) -> None:
    if reason := why_not():
        pytest.skip(f"{reason}; test_webrtc.py runs this in a process of its own")
    page = open_page("#/camera/front-door")
    if not page.evaluate("'RTCPeerConnection' in window"):
        pytest.skip("this browser has no WebRTC")
    _holds(page, "document.querySelector('.large video').videoWidth === 1280")
    _holds(page, "document.querySelector('.large video').currentTime > 0.3")
    assert page.evaluate("document.querySelector('.large img').src") == ""
    page.goto(page.url.split("#")[0] + "#/")
    until(lambda: kept_server.num_viewers == 1)  # its news

    page.route("**/webrtc?*", lambda route: route.abort())
    with page.expect_request("**/webrtc?*"):
        page.goto(page.url.split("#")[0] + "#/camera/front-door")
    _holds(page, "document.querySelector('.large img').naturalWidth >= 1280")
    assert page.evaluate("document.querySelector('.large video').videoWidth") == 0


def test_a_camera_large_with_what_may_be_set(open_page: Any, house: FakeHouse) -> None:
    page = open_page("#/camera/front-door")
    _holds(page, IS_LARGE)
    _holds(
        page,
        "(() => { const one = document.querySelector('canvas');"
        "return one.width > 0 && one.getContext('2d')"
        ".getImageData(0, 0, one.width, one.height).data.some(Boolean); })()",
    )
    page.locator("#enabled").focus()
    page.keyboard.press("Space")
    page.wait_for_selector(".heading .pill:has-text('Off')")
    until(lambda: not house.views["front-door"].is_enabled)
    slider = page.get_by_label("Threshold of wave")
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("output:has-text('61 %')")
    until(lambda: house.views["front-door"].thresholds["wave"] == 0.61)
    # A viewer who leaves leaves nothing behind.
    page.goto(page.url.split("#")[0] + "#/machine")
    _holds(page, "document.querySelectorAll('.tile b')[8]?.textContent === '1'")


def test_the_machine_and_a_file_with_a_mistake(open_page: Any, house: FakeHouse) -> None:
    page = open_page("#/machine")
    page.wait_for_selector(".tile:has-text('labels a second')")
    text = page.locator("main").inner_text()
    for one in ("CPUExecutionProvider", "queue full", "webhook https://example.org", "612 MB"):
        assert one in text
    house.mistake = "cameras.toml, camera 2 ('Gate'): unknown key 'ulr'"
    page.click("#reload")
    assert house.mistake in page.locator(".mistake").inner_text()
    house.mistake = ""
    page.click("#reload")
    page.wait_for_selector(".fine:has-text('nothing has changed')")


def test_everything_by_the_keyboard(open_page: Any, house: FakeHouse) -> None:
    event = house.add_event("garden", "fall").id
    page = open_page()
    page.wait_for_selector(".latest .event")

    def tab_until(script: str) -> None:
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate(f"(one => {script})(document.activeElement)"):
                shown = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
                parents = page.evaluate(
                    "getComputedStyle(document.activeElement.closest('.event') ??"
                    "document.activeElement).outlineStyle"
                )
                assert "solid" in (shown, parents)
                return
        raise AssertionError(f"no way leads to {script}")

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    tab_until("one.matches('.camera')")
    tab_until("one.matches('.latest .open')")
    page.keyboard.press("r")
    page.wait_for_selector(".latest .facts:has-text('right')")
    assert house.records[event].verdict == "right"
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")
    page.keyboard.press("Escape")
    tab_until("one.matches('.list-foot a')")
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('Events')")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_can_be_read(open_page: Any, house: FakeHouse, scheme: str) -> None:
    house.judge(house.add_event("garden", "fall", ago_seconds=1).id, "wrong")
    page = open_page(size=PHONE, color_scheme=scheme, reduced_motion="reduce")
    root = page.url.split("#")[0]
    for view in VIEWS:
        page.goto(f"{root}{view}")
        page.wait_for_selector(".panel:visible")
        page.wait_for_timeout(700)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0], view
        assert page.evaluate(CONTRAST) == [], view
    page.goto(f"{root}#/events")
    page.click(".event .open")
    page.wait_for_selector("dialog[open]")
    assert page.evaluate(CONTRAST) == []
    box = page.locator("dialog").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE[0]


def test_a_lost_server_is_told_and_found_again(
    browser: Any, house: FakeHouse, tmp_path: Path
) -> None:
    server = WebServer(house, WebOptions(port=0))
    server.start()
    page = browser.new_page()
    page.goto(server.url)
    page.wait_for_selector("#link-state.is-good")
    server.stop()
    page.wait_for_selector("#lost:visible")
    assert "does not answer" in page.locator("#lost").inner_text()
    again = WebServer(house, WebOptions(port=server.port))
    again.start()
    page.wait_for_selector("#link-state.is-good")
    assert not page.locator("#lost").is_visible()
    page.close()
    again.stop()


def test_one_logs_in_with_the_token(browser: Any, house: FakeHouse) -> None:
    server = WebServer(house, WebOptions(port=0, token=TOKEN), limits=Limits())
    server.start()
    context = browser.new_context()
    page = context.new_page()
    page.goto(server.url)
    page.wait_for_selector("h1:has-text('rtaction')")
    page.keyboard.type("not the token")
    page.keyboard.press("Enter")
    page.wait_for_selector(".mistake:has-text('not the token')")
    page.fill("#token", TOKEN)
    page.keyboard.press("Enter")
    page.wait_for_selector(".camera")
    assert page.evaluate("document.cookie") == ""
    page.goto(f"{server.url}api/docs")
    page.wait_for_selector("summary:has-text('/api/cameras/{camera}')")
    context.close()
    server.stop()


# By WCAG 2.2: 4.5 to 1, or 3 to 1 where a text is large. Texts on pictures have their own ground.
CONTRAST = """() => {
  const numbers = (color) => (color.match(/[\\d.]+/g) ?? []).map(Number);
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((one) => one / 255)
      .map((one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const grounds = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const style = getComputedStyle(one);
      const stops = style.backgroundImage.match(/rgba?\\([^)]*\\)/g);
      if (stops) return stops.map((stop) => numbers(stop).slice(0, 3));
      const [r, g, b, a = 1] = numbers(style.backgroundColor);
      if (a > 0.6) return [[r, g, b]];
    }
    return [[255, 255, 255]];
  };
  const bad = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    const element = walker.currentNode.parentElement;
    if (!text || element.closest("svg, noscript, :disabled, option, .sr-only")) continue;
    if (!element.checkVisibility({ visibilityProperty: true })) continue;
    const style = getComputedStyle(element);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.7 && style.fontWeight >= 700);
    const own = luminance(numbers(style.color));
    for (const ground of grounds(element)) {
      const other = luminance(ground);
      const ratio = (Math.max(own, other) + 0.05) / (Math.min(own, other) + 0.05);
      if (ratio < (isLarge ? 3 : 4.5)) bad.push(`${text}: ${ratio.toFixed(2)}`);
    }
  }
  return bad;
}"""
