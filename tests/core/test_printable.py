"""What comes from a file, a camera or a server is printed as it looks."""

from __future__ import annotations

import logging

import pytest

from rtaction.cli import app as cli
from rtaction.cli.terminal import say
from rtaction.errors import ModelUnsafe
from rtaction.printable import printable, printable_lines

# Escape sequences, C1 controls, marks of direction, separators of lines, lone surrogates.
OBEYED = "\x1b[2J \x9b31m \x07 \r \u202a\u202e \u2066\u2069 \u200e\u200f \u2028 \ud800 \x7f"


def test_what_a_terminal_obeys_is_replaced() -> None:
    cleaned = printable(OBEYED)
    assert len(cleaned) == len(OBEYED)
    assert cleaned.isprintable()
    assert cleaned.startswith("?[2J ?31m")
    assert printable("a\nb\tc") == "a?b?c"


@pytest.mark.parametrize("text", ["aplaudir ñ", "打", "می\u200cرود", "👩\u200d🚀", "", "jab[left]"])
def test_text_of_any_script_stays(text: str) -> None:
    assert printable(text) == printable_lines(text) == text


def test_lines_and_tabs_stay_in_a_text_of_several_lines() -> None:
    assert printable_lines("a\tb\n\x1bc\r\n") == "a\tb\n?c?\n"


def test_all_that_the_command_line_prints_is_clean(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails() -> None:
        say(f"out {OBEYED}")
        say(f"err {OBEYED}", err=True)
        logging.getLogger("rtaction").warning("camera said %s", OBEYED)
        raise ModelUnsafe(f"m.onnx needs {OBEYED}")

    monkeypatch.setattr(cli, "app", fails)
    handlers = list(logging.getLogger().handlers)
    for one in handlers:
        logging.getLogger().removeHandler(one)
    try:
        with pytest.raises(SystemExit):
            cli.main()
    finally:
        for one in logging.getLogger().handlers[:]:
            logging.getLogger().removeHandler(one)
        for one in handlers:
            logging.getLogger().addHandler(one)
    for text in capsys.readouterr():
        assert all(one.isprintable() or one == "\n" for one in text), ascii(text)
        assert "?[2J" in text
