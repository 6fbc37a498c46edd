"""What somebody is told who calls a room, such as `rtaction.train`, as if it were a function."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import NoReturn

from rtaction.errors import UsageError


class _Room(ModuleType):
    instead: str

    def __call__(self, *_: object, **__: object) -> NoReturn:
        raise UsageError(f"{self.__name__} is a package; call {self.instead}")


def refuse_calls(name: str, instead: str) -> None:
    """Let calls of a module say what to call.

    Args:
        name: of the module.
        instead: what to call, such as `rtaction.train_model("videos/")`.
    """
    module = sys.modules[name]
    module.__class__ = _Room
    module.__dict__["instead"] = instead
