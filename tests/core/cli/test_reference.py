"""The command-line reference is that of the commands."""

from __future__ import annotations

from tools.make_reference import PAGE, reference


def test_the_reference_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), "run: make docs"
