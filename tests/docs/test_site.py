"""The site is built for real, without a warning, and needs nothing from elsewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

import rtaction
import rtaction.errors
from tests.docs.blocks import pages
from tests.project import ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [
            *(sys.executable, "-X", "importtime", "-m", "mkdocs"),
            *("build", "--strict", "--site-dir", str(folder)),
        ],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr[-3000:]
    said = [line for line in built.stderr.splitlines() if not line.startswith("import time:")]
    assert [line for line in said if "WARNING" in line] == []
    # The reference of the API is made of files, not of imports.
    imported = set(re.findall(r"\| +([\w.]+)$", built.stderr, re.MULTILINE))
    assert {"tensorflow", "onnxruntime", "cv2", "rtaction"} & imported == set()
    return folder


def page(site: Path, source: str) -> str:
    return (site / source).with_suffix(".html").read_text(encoding="utf-8")


def test_every_page_is_there_and_can_be_reached(site: Path) -> None:
    home = page(site, "index.md")
    for source in pages():
        if source.startswith("docs/"):
            name = source.removeprefix("docs/").removesuffix(".md")
            assert (site / f"{name}.html").is_file()
            assert f'href="{name}.html"' in home or name == "index", f"{source} is not in the nav"


class _Fetched(HTMLParser):
    """Addresses that a browser fetches when it shows a page."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        fetched = {"script": "src", "img": "src", "source": "src", "iframe": "src"}.get(tag)
        if tag == "link" and values.get("rel") in ("stylesheet", "preload", "preconnect"):
            fetched = "href"
        address = values.get(fetched or "") or ""
        if address and not address.startswith("data:"):
            self.addresses.append(address)
        if values.get("data-md-component") == "source":
            self.addresses.append("https://api.github.com")


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    for path in site.rglob("*.html"):
        found = _Fetched()
        found.feed(path.read_text(encoding="utf-8"))
        assert found.addresses
        for address in found.addresses:
            assert not re.match(r"(https?:)?//", address), f"{path.name}: {address}"
            if path.name != "404.html":
                assert (path.parent / address.partition("?")[0]).exists(), f"{path}: {address}"


def test_the_search_works_without_a_server(site: Path) -> None:
    script = (site / "search" / "search_index.js").read_text(encoding="utf-8")
    index = json.loads(script.removeprefix("var __index = "))
    found = {one["location"] for one in index["docs"] if "optical flow" in one["text"].lower()}
    assert any(one.startswith("guides/train.html") for one in found)


def test_the_api_is_all_of_it(site: Path) -> None:
    text = page(site, "reference/api.md")
    for name in rtaction.__all__:
        assert name == "__version__" or f'id="rtaction.{name}"' in text, name
    errors = [
        one
        for one in vars(rtaction.errors).values()
        if isinstance(one, type) and one.__module__ == "rtaction.errors"
    ]
    assert len(errors) > 20
    for error in errors:
        assert f'id="rtaction.errors.{error.__name__}"' in text


def test_the_house_has_a_line_for_each_folder() -> None:
    page = (ROOT / "docs" / "how" / "index.md").read_text(encoding="utf-8")
    tree = re.findall(r"^( {0,2})(\w+)/  ", page, re.MULTILINE)
    told: set[str] = set()
    room = ""
    for indent, name in tree:
        room = name if not indent else room
        told.add(name if not indent else f"{room}/{name}")
    rooms = [one.parent for one in ROOT.glob("*/__init__.py") if one.parent.name != "tests"]
    rooms = [one for one in rooms if one.name not in ("benchmarks", "tools")]
    folders = {one.parent for room in rooms for one in room.glob("*/__init__.py")}
    there = {one.relative_to(ROOT).as_posix() for one in [*rooms, *folders] if not one.is_symlink()}
    assert there - told == set()
    assert {one for one in told if not (ROOT / one).is_dir()} == set()


@pytest.mark.parametrize("name", ["accuracy", "speed"])
def test_figures_say_where_and_when_they_were_measured(name: str) -> None:
    text = (ROOT / "docs" / "figures" / f"{name}.md").read_text(encoding="utf-8")
    made = re.search(r"(?s)<!-- made by benchmarks.figures -->(.*)<!-- end -->", text)
    assert made is not None
    assert re.search(r"^\d+ \w+ 20\d\d; .*, \d+ cores", made[1], re.MULTILINE)
    assert made[1].count("\n| ") >= 3


def test_exit_codes_are_those_of_the_errors() -> None:
    told = (ROOT / "docs" / "reference" / "exit_codes.md").read_text(encoding="utf-8")
    codes = {
        one.exit_code
        for one in vars(rtaction.errors).values()
        if isinstance(one, type) and issubclass(one, rtaction.errors.RtactionError)
    }
    listed = {int(one) for one in re.findall(r"^\| (\d+) ", told, re.MULTILINE)}
    assert listed == (codes - {1}) | {0}
