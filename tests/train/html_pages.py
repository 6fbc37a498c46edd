"""A page of HTML, read back."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

_WITHOUT_END = {"br", "img", "link", "meta", "source"}


class Page(HTMLParser):
    """What stands in a page; it refuses one whose elements are not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str], list[str]]] = []
        self._open: list[tuple[str, list[str]]] = []

    @classmethod
    def read(cls, path: Path) -> Page:
        """Read a file."""
        page = cls()
        page.feed(path.read_text(encoding="utf-8"))
        page.close()
        assert not page._open, f"never closed: {page._open}"
        return page

    @property
    def tags(self) -> set[str]:
        """Names of all elements."""
        return {name for name, _, _ in self.elements}

    def text_of(self, tag: str, class_: str | None = None) -> list[str]:
        """Text of each such element, what is inside it included."""
        return [
            "".join(text)
            for name, attributes, text in self.elements
            if name == tag and class_ in (None, attributes.get("class"))
        ]

    def attributes_of(self, tag: str) -> list[dict[str, str]]:
        """Attributes of each such element."""
        return [attributes for name, attributes, _ in self.elements if name == tag]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        text: list[str] = []
        self.elements.append((tag, {key: value or "" for key, value in attrs}, text))
        if tag not in _WITHOUT_END:
            self._open.append((tag, text))

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> without a start"
        assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        for _, text in self._open:
            text.append(data)
