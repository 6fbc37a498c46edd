"""How rtaction is called here, and how more of it is installed here."""

from __future__ import annotations

import importlib.util
import json
import os
import shlex
import shutil
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import unquote, urlsplit


def program() -> str:
    """What to type for `rtaction`: its name if it is on the PATH, else its path."""
    own = Path(sys.executable).with_name("rtaction")
    found = shutil.which("rtaction")
    if found is not None and Path(found).parent.resolve() == own.parent.resolve():
        return "rtaction"
    return _shown(own) if own.exists() else f"{_shown(Path(sys.executable))} -m rtaction"


def install_command(extra: str) -> str:
    """The command that adds one of the extras, such as "train", to this installation.

    A copy that came from a folder is installed again from there; one that uv or pipx installed as a
    tool, by them.
    """
    requirement = _requirement(extra)
    prefix = Path(sys.prefix).as_posix()
    if "/uv/tools/" in prefix:
        return f"uv tool install --force {requirement}"
    if "/pipx/venvs/" in prefix:
        return f"pipx install --force {requirement}"
    python = Path(sys.executable)
    pip = shutil.which("pip")
    if pip is not None and Path(pip).parent.resolve() == python.parent.resolve():
        return f"pip install {requirement}"
    if importlib.util.find_spec("pip") is not None:
        return f"{_shown(python)} -m pip install {requirement}"
    return f"uv pip install --python {_shown(python)} {requirement}"


def _requirement(extra: str) -> str:
    try:
        text = distribution("rtaction").read_text("direct_url.json")
    except PackageNotFoundError:  # it runs from a folder that was never installed
        text = None
    origin = json.loads(text) if text else {}
    if "dir_info" not in origin:
        return f"'rtaction[{extra}]'"
    folder = Path(unquote(urlsplit(origin["url"]).path))
    place = "." if folder == Path.cwd() else str(folder)
    editable = "-e " if origin["dir_info"].get("editable") else ""
    return f"{editable}'{place}[{extra}]'"


def _shown(path: Path) -> str:
    """A path as short as it can be typed here."""
    relative = os.path.relpath(path)
    return shlex.quote(str(path) if relative.startswith("..") else relative)
