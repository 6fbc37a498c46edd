"""An extension of griffe: `Example:` in a docstring is a section, as `Examples:` is."""

from __future__ import annotations

import re
from typing import Any

import griffe


class Example(griffe.Extension):
    """Rename the section before the docstring is parsed."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called for each object that was read."""
        if obj.docstring is not None:
            obj.docstring.value = re.sub(r"(?m)^Example:$", "Examples:", obj.docstring.value)

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Called for the package itself, which is no object of another."""
        self.on_object(obj=pkg)
