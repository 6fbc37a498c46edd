"""Code of the user's own that a command names: `module:attribute`, as uvicorn takes it."""

from __future__ import annotations

import importlib
import os
import re
import sys
import traceback
from difflib import get_close_matches
from types import ModuleType
from typing import Any

from rtaction.errors import UsageError

FORM = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")
"""module:attribute, both possibly with dots."""


def object_named(name: str, *, option: str) -> Any:
    """Import what `module:attribute` names, from the current folder or the environment.

    Args:
        name: such as "networks:build" or "package.networks:Builder.build".
        option: names the option in errors, such as "--network".

    Raises:
        UsageError: the name has another form, there is no such module or attribute, or the module
            cannot be imported; the text says where in it.
    """
    if not FORM.fullmatch(name):
        raise UsageError(f"{option} {name}: expected module:function, such as networks:build")
    module_name, _, attribute = name.partition(":")
    found: Any = _imported(module_name, option)
    for part in attribute.split("."):
        if not hasattr(found, part):
            public = [one for one in vars(found) if not one.startswith("_")]
            near = get_close_matches(part, public, n=1)
            did_you_mean = f"; did you mean {near[0]}?" if near else ""
            file = getattr(found, "__file__", None) or module_name
            raise UsageError(f"{option} {name}: {file} has no {part!r}{did_you_mean}")
        found = getattr(found, part)
    return found


def look_in_current_folder() -> None:
    """Let modules of the current folder be imported, before those of the environment."""
    if (here := os.getcwd()) not in sys.path:
        sys.path.insert(0, here)


def place_of(error: BaseException) -> str:
    """Kind, text and place of an error in someone's code: "NameError: ... (net.py, line 3)"."""
    text = (str(error).strip() or "without a text").splitlines()[0]
    if isinstance(error, SyntaxError):
        file, line, text = error.filename, error.lineno, error.msg
    else:
        steps = [one for one in traceback.extract_tb(error.__traceback__) if _is_own(one.filename)]
        file, line = (steps[-1].filename, steps[-1].lineno) if steps else (None, None)
    at = f" ({file}, line {line})" if file else ""
    return f"{type(error).__name__}: {text}{at}"


def _imported(name: str, option: str) -> ModuleType:
    look_in_current_folder()
    importlib.invalidate_caches()  # a file that was written a moment ago
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            raise UsageError(
                f"{option}: there is no module {error.name!r} in the current folder "
                f"({os.getcwd()}) or in the environment of {sys.executable}"
            ) from None
        raise UsageError(f"{option}: {name} cannot be imported: {place_of(error)}") from error
    except Exception as error:
        raise UsageError(f"{option}: {name} cannot be imported: {place_of(error)}") from error


def _is_own(file: str) -> bool:
    """Whether a file is neither rtaction's nor installed, judging by its path."""
    parts = file.replace("\\", "/")
    ours = os.path.dirname(os.path.abspath(__file__))
    installed = ("/site-packages/", "/dist-packages/", "<frozen ")
    is_ours = os.path.abspath(file).startswith(ours) or "/rtaction/" in parts
    return not is_ours and not any(one in parts for one in installed)
