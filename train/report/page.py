"""A self-contained HTML page: no network, no script, no other file.

It is built as a tree, so text and attributes are escaped when it is written. This module knows
nothing about trainings.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, tostring

from rtaction.output_file import write_file

Node = Element | str

# Even if the page contained a link to another resource, a browser would not load it.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1d232a; --soft: #5b6672;
  --line: #d9dee4; --panel: #f5f7f9; --tint: 31 111 181; --good: #1a7a3c; --bad: #b3261e;
  --warn-line: #d08a00; --warn: #fff6e0; }
@media screen and (prefers-color-scheme: dark) {
  :root { --paper: #14181d; --ink: #e4e8ec; --soft: #9ba6b2; --line: #343c46; --panel: #1d232a;
    --tint: 108 178 242; --good: #63c786; --bad: #ff8a80; --warn-line: #d9a13a;
    --warn: #2e2716; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 66rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 .75rem; padding-top: .75rem;
  border-top: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 1.5rem 0 .5rem; }
p, ul { margin: .5rem 0; max-width: 46rem; overflow-wrap: anywhere; }
ul { padding-left: 1.25rem; }
.soft { color: var(--soft); } .good { color: var(--good); } .bad { color: var(--bad); }
.interval { color: var(--soft); font-size: .85em; white-space: nowrap; }
.warning { background: var(--warn); border-left: .25rem solid var(--warn-line);
  padding: 0 .75rem; border-radius: .25rem; margin: .5rem 0; max-width: 46rem;
  display: flow-root; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: .75rem;
  margin: 1rem 0; }
.tile { background: var(--panel); border: 1px solid var(--line); border-radius: .5rem;
  padding: .75rem 1rem; }
.tile strong { display: block; font-size: 1.9rem; line-height: 1.2; }
.tile span { display: block; } .tile .soft { font-size: .85rem; }
.curves { display: grid; grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr)); gap: 1rem; }
figure { margin: 0; break-inside: avoid; }
figcaption { font-weight: 600; overflow-wrap: anywhere; }
img { display: block; max-width: 100%; height: auto; }
.curves img { width: 100%; }
.wide { overflow-x: auto; max-width: 100%; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .93rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .75rem .3rem 0;
  border-bottom: 1px solid var(--line); }
thead th { color: var(--soft); font-weight: 600; vertical-align: bottom; }
tbody th { font-weight: 500; }
td.number, th.number { text-align: right; white-space: nowrap; padding-left: .75rem; }
.values td { overflow-wrap: anywhere; } .values { width: 100%; } .values tbody th { width: 15rem; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr));
  gap: 0 2rem; }
.columns .values tbody th { width: 11rem; }
.confusion th, .confusion td { padding: .25rem .4rem; border: 1px solid var(--line); }
.confusion td { text-align: center; min-width: 2.4rem; print-color-adjust: exact;
  -webkit-print-color-adjust: exact;
  background: rgb(var(--tint) / calc(var(--share, 0) * .6)); }
.confusion td.right { outline: 2px solid rgb(var(--tint)); outline-offset: -2px; }
.confusion thead th { writing-mode: vertical-rl; transform: rotate(180deg); text-align: left;
  vertical-align: middle; max-height: 12rem; font-weight: 500; }
.confusion thead th:first-child { writing-mode: horizontal-tb; transform: none;
  vertical-align: bottom; font-size: .85em; color: var(--soft); white-space: nowrap; }
.confusion tbody th { position: sticky; left: 0; background: var(--paper); white-space: nowrap;
  max-width: 10rem; overflow: hidden; text-overflow: ellipsis; }
.mistake { margin: 0 0 1.5rem; }
.strip { display: grid; gap: .3rem; margin-top: .4rem; grid-template-columns: repeat(auto-fill,
  max(5rem, min(6.5rem, calc((100% - (var(--pictures) - 1) * .3rem) / var(--pictures))))); }
.strip div { font-size: .75rem; color: var(--soft); break-inside: avoid; }
.strip img { width: 100%; margin-bottom: 2px; border-radius: 2px; }
pre { background: var(--panel); border: 1px solid var(--line); border-radius: .5rem;
  padding: .75rem 1rem; white-space: pre-wrap; overflow-wrap: anywhere; font-size: .9rem; }
code { overflow-wrap: anywhere; } p code { white-space: nowrap; }
code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
@media (max-width: 40rem) { .interval { display: block; }
  td.number, th.number { padding: .3rem .25rem; } .tile { padding: .5rem .75rem; }
  .values tbody th, .columns .values tbody th { width: 9rem; } }
@media print { html { font-size: 80%; } main { max-width: none; padding: 0; }
  h2, h3 { break-after: avoid; }
  .wide { overflow: visible; } tr { break-inside: avoid; } }
"""


def tag(name: str, /, *inside: Node, **attributes: str) -> Element:
    """An element.

    Args:
        name: such as "p".
        inside: text and elements, in order.
        attributes: without a trailing "_", so that `class_` is possible.
    """
    element = Element(name, {key.rstrip("_"): value for key, value in attributes.items()})
    last: Element | None = None
    for node in inside:
        if isinstance(node, Element):
            element.append(node)
            last = node
        elif last is None:
            element.text = (element.text or "") + node
        else:
            last.tail = (last.tail or "") + node
    return element


def prose(text: str) -> Element:
    """A paragraph in which option names, such as --group, are set as code."""
    parts = re.split(r"(?<!\S)(--[a-z][a-z-]*)", text)
    return tag("p", *(tag("code", one) if i % 2 else one for i, one in enumerate(parts)))


def table(
    header: Sequence[str], rows: Iterable[Sequence[Node]], *, class_: str, numbers_from: int = 99
) -> Element:
    """A table that scrolls on its own if it is wider than the screen.

    Args:
        header: a name per column; () for a table of names and values.
        rows: cells; the first of each is the row's name.
        class_: for the style.
        numbers_from: columns from this one on are numbers, aligned right. Default: none.
    """

    def cell(kind: str, column: int, node: Node, **scope: str) -> Element:
        style = {"class": "number"} if column >= numbers_from else {}
        return tag(kind, node, **style, **scope)

    body = tag("tbody")
    for first, *rest in rows:
        cells = [cell("td", column, node) for column, node in enumerate(rest, start=1)]
        body.append(tag("tr", cell("th", 0, first, scope="row"), *cells))
    whole = tag("table", class_=class_)
    if header:
        names = [cell("th", column, name, scope="col") for column, name in enumerate(header)]
        whole.append(tag("thead", tag("tr", *names)))
    whole.append(body)
    return tag("div", whole, class_="wide")


def picture(data: bytes, kind: str, *, text: str, on_dark: bytes | None = None) -> Element:
    """An image embedded in the page.

    Args:
        data: the file's content.
        kind: its media type, such as "image/png".
        text: its content, for those who do not see it.
        on_dark: the image for a dark screen. Default None, the same.
    """
    image = tag("img", src=_data_uri(data, kind), alt=text)
    if on_dark is None:
        return image
    dark = tag(
        "source",
        srcset=_data_uri(on_dark, kind),
        media="screen and (prefers-color-scheme: dark)",
    )
    return tag("picture", dark, image)


def write_page(path: Path, title: str, sections: Iterable[Element]) -> None:
    """Write a page, completely or not at all.

    Args:
        path: .html file.
        title: of the page.
        sections: its content.

    Raises:
        OutputError: it cannot be written.
    """
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", **{"http-equiv": "Content-Security-Policy"}, content=_POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title),
        tag("style", _STYLE),
    )
    page = tag("html", head, tag("body", tag("main", *sections)), lang="en")
    text = "<!DOCTYPE html>\n" + tostring(page, encoding="unicode", method="html") + "\n"
    # A path may contain bytes that are not text.
    write_file(path, text.encode(errors="replace"))


def _data_uri(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{b64encode(data).decode('ascii')}"
