from __future__ import annotations

from base64 import b64decode
from pathlib import Path

import pytest

from rtaction.errors import OutputError
from rtaction.train.report.page import Node, picture, prose, table, tag, write_page
from tests.train.html_pages import Page

NASTY = "<b>&\"'</b>"


def test_texts_and_attributes_are_escaped(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    write_page(path, NASTY, [tag("p", NASTY, tag("span", "in", title=NASTY), NASTY)])
    page = Page.read(path)
    assert page.text_of("p") == [f"{NASTY}in{NASTY}"]
    assert page.text_of("title") == [NASTY]
    assert page.attributes_of("span") == [{"title": NASTY}]
    assert "b" not in page.tags


def test_text_stays_in_its_place(tmp_path: Path) -> None:
    write_page(tmp_path / "page.html", "t", [tag("p", "a", "b", tag("em", "c"), "d", "e")])
    assert "<p>ab<em>c</em>de</p>" in (tmp_path / "page.html").read_text()


def test_options_look_like_what_is_typed(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    write_page(path, "t", [prose("name it with --group, or not--at all")])
    page = Page.read(path)
    assert page.text_of("p") == ["name it with --group, or not--at all"]
    assert page.text_of("code") == ["--group"]


def test_a_picture_is_in_the_page(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    write_page(path, "t", [picture(b"light", "image/png", text=NASTY, on_dark=b"dark")])
    page = Page.read(path)
    (image,), (source,) = page.attributes_of("img"), page.attributes_of("source")
    assert image["alt"] == NASTY
    assert image["src"].startswith("data:image/png;base64,")
    assert b64decode(image["src"].partition(",")[2]) == b"light"
    assert b64decode(source["srcset"].partition(",")[2]) == b"dark"


def test_a_table_names_its_rows_and_columns(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    rows: list[tuple[Node, Node]] = [("x", "1"), ("y", tag("em", "2"))]
    write_page(path, "t", [table(("name", "size"), rows, class_="sizes", numbers_from=1)])
    page = Page.read(path)
    assert page.text_of("th") == ["name", "size", "x", "y"]
    assert [one["scope"] for one in page.attributes_of("th")] == ["col", "col", "row", "row"]
    assert page.text_of("td") == ["1", "2"]


def test_a_name_that_is_no_text_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    write_page(path, "t", [tag("p", b"clip\xff.mp4".decode("utf-8", "surrogateescape"))])
    assert Page.read(path).text_of("p") == ["clip?.mp4"]


def test_a_page_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"):
        write_page(tmp_path / "file" / "page.html", "t", [])


def test_nothing_else_is_left_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("the old one")
    write_page(tmp_path / "page.html", "t", [tag("p", "new")])
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    assert Page.read(tmp_path / "page.html").text_of("p") == ["new"]
