"""Text from files, cameras and servers, made fit for a terminal."""

from __future__ import annotations

# They join letters and emoji, and move nothing.
_JOINERS = "\u200c\u200d"


def printable(text: str, *, instead: str = "?") -> str:
    """Keep what a terminal shows as it is, in one line.

    Terminals obey control characters, and marks of writing direction reorder what stands around
    them, so that a file could hide or fake what is printed. Lone surrogates cannot be encoded.

    Args:
        text: from anyone.
        instead: what replaces a character of these kinds. Default "?".
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one in _JOINERS else instead for one in text)


def printable_lines(text: str) -> str:
    """The same for a text of several lines: line breaks and tabs are kept."""
    if text.isprintable():
        return text
    return "\n".join(
        "\t".join(printable(piece) for piece in line.split("\t")) for line in text.split("\n")
    )
