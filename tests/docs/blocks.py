"""Every fenced block of every page, and the commands of shell blocks."""

from __future__ import annotations

import re
import shlex
import textwrap
from dataclasses import dataclass
from pathlib import Path

from tests.project import ROOT

_FENCED = re.compile(r"^( *)(`{3,}|~{3,}) *([^\n`]*)\n(.*?)^ *\2 *$", re.MULTILINE | re.DOTALL)
_ASSIGNMENT = re.compile(r"[A-Z_]+=")
_OF_A_COMMAND = re.compile(r"(?:export )?[A-Z_]+=\$\((?:\{ )?(.*)\)")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block.

    Args:
        page: its page, relative to the project.
        line: that of its first fence, from 1.
        language: what stands behind the fence, such as "sh"; "" if nothing does.
        text: what is between the fences, without common indentation.
    """

    page: str
    line: int
    language: str
    text: str


def pages() -> list[str]:
    """The README, all pages of docs/, cards of models and pages of examples, by their paths."""
    folders = ("docs", "models", "examples")
    found = sorted(page for folder in folders for page in (ROOT / folder).rglob("*.md"))
    return [
        "README.md",
        "CONTRIBUTING.md",
        *(one.relative_to(ROOT).as_posix() for one in found),
    ]


def blocks(page: str) -> list[Block]:
    """The blocks of a page, in order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [
        Block(page, text.count("\n", 0, one.start()) + 1, one[3].strip(), textwrap.dedent(one[4]))
        for one in _FENCED.finditer(text)
    ]


@dataclass(frozen=True, slots=True)
class Command:
    """One line of a shell block.

    Args:
        block: where it stands.
        text: as it stands there, without its comment and with continued lines joined.
        variables: what is set in front of it.
        words: program and arguments, without what is redirected.
        output: the file that stdout goes to; "" if it stays.
    """

    block: Block
    text: str
    variables: dict[str, str]
    words: tuple[str, ...]
    output: str


def commands(page: str) -> list[Command]:
    """The commands of all shell blocks of a page, in order."""
    return [
        _command(block, text)
        for block in blocks(page)
        if block.language == "sh"
        for line in block.text.replace("\\\n", " ").splitlines()
        if (text := re.sub(r"(^|\s+)#.*$", "", line).strip())
    ]


def _command(block: Block, text: str) -> Command:
    inner = _OF_A_COMMAND.fullmatch(text)
    words = shlex.split(inner[1] if inner else text)
    output = ""
    if ">" in words:
        place = words.index(">")
        output, words = words[place + 1], words[:place]
    variables = {}
    if words[0] == "export":
        words = words[1:]
    while words and _ASSIGNMENT.match(words[0]):
        name, value = words.pop(0).split("=", 1)
        variables[name] = value
    return Command(block, " ".join(text.split()), variables, tuple(words), output)


def told_by(path: str, page: str) -> bool:
    """Whether a test of its own names a page."""
    return Path(page).name in (ROOT / path).read_text(encoding="utf-8")
