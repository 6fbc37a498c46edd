"""The README is short, and right wherever it is shown: all its links are absolute."""

from __future__ import annotations

import re
import tomllib

import yaml
from PIL import Image

from tests.project import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
URLS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]
LINKS = re.findall(r"\]\(([^)]+)\)", README)
PICTURE = ROOT / "docs" / "pictures" / "live.webp"


def test_it_is_one_screen_and_a_half() -> None:
    told = re.sub(r"\([^)]*://[^)]*\)", "", README)
    assert len(told.split()) < 600
    assert len(README.splitlines()) < 100


def test_links_lead_to_files_of_the_project() -> None:
    blob, raw = (
        f"{URLS['Source']}/blob/main/",
        URLS["Source"].replace("https://github.com/", "https://raw.githubusercontent.com/"),
    )
    assert len(LINKS) > 20
    for link in LINKS:
        assert link.startswith("https://"), link
        for start in (blob, f"{raw}/main/"):
            if link.startswith(start):
                path, _, anchor = link.removeprefix(start).partition("#")
                assert (ROOT / path).is_file(), link
                assert not anchor, f"{link}: anchors are not checked here"
                break
        else:
            assert URLS["Source"] not in link, f"{link} names no file"


def test_the_address_is_the_same_everywhere() -> None:
    site = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert f"repo_url: {URLS['Source']}\n" in site
    assert f"site_url: {URLS['Documentation']}\n" in site
    for address in URLS.values():
        assert address.startswith((URLS["Source"], URLS["Documentation"]))


def test_the_picture_moves_and_is_small() -> None:
    assert PICTURE.stat().st_size < 2_000_000
    assert PICTURE.name in README
    with Image.open(PICTURE) as picture:
        assert picture.n_frames > 50  # type: ignore[attr-defined]
        assert picture.info["loop"] == 0


def test_ci_builds_the_site() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    assert any("make docs-site" in str(job) for job in jobs.values())
