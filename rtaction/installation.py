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
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

_NAMES = ("rtaction", "rtaction.exe")


def program() -> str:
    """What to type here for `rtaction`: its name if it is on the PATH, else its path."""
    folder = Path(sys.executable).parent
    own = next((folder / name for name in _NAMES if (folder / name).exists()), None)
    if own is None:
        return f"{_shown(Path(sys.executable))} -m rtaction"
    found = shutil.which("rtaction")
    return "rtaction" if found is not None and _is_same(Path(found), own) else _shown(own)


def install_command(extra: str) -> str:
    """The command that adds one of the extras, such as "train", to this installation.

    A copy that came from a folder, a repository or an archive is installed again from there; one
    that uv or pipx installed as a tool, by them.
    """
    requirement = _requirement(extra)
    prefix = Path(sys.prefix)
    if "/uv/tools/" in prefix.as_posix() or (prefix / "uv-receipt.toml").exists():
        return f"uv tool install --force {requirement}"
    if "/pipx/venvs/" in prefix.as_posix() or (prefix / "pipx_metadata.json").exists():
        return f"pipx install --force {requirement}"
    python = Path(sys.executable)
    pip = shutil.which("pip")
    if pip is not None and Path(pip).parent.resolve() == python.parent.resolve():
        return f"pip install {requirement}"
    if importlib.util.find_spec("pip") is not None:
        return f"{_shown(python)} -m pip install {requirement}"
    return f"uv pip install --python {_shown(python)} {requirement}"


def _is_same(found: Path, own: Path) -> bool:
    """Whether a program on the PATH is ours: the file, or a link to it, as uv and pipx make."""
    if found.parent.resolve() == own.parent.resolve():
        return True
    return found.resolve() == own.resolve()


def _requirement(extra: str) -> str:
    try:
        text = distribution("rtaction").read_text("direct_url.json")
    except PackageNotFoundError:  # it runs from a folder that was never installed
        text = None
    origin: dict[str, Any] = json.loads(text) if text else {}
    if "dir_info" in origin:
        folder = Path(unquote(urlsplit(origin["url"]).path))
        place = "." if folder == _here() else str(folder)
        editable = "-e " if origin["dir_info"].get("editable") else ""
        return editable + shlex.quote(f"{place}[{extra}]")
    url = _url_of(origin)
    return shlex.quote(f"rtaction[{extra}] @ {url}" if url else f"rtaction[{extra}]")


def _url_of(origin: dict[str, Any]) -> str | None:
    """Where a repository or an archive came from, without a password; None if from an index.

    See https://packaging.python.org/en/latest/specifications/direct-url/.
    """
    if not {"vcs_info", "archive_info"} & set(origin):
        return None
    parts = urlsplit(origin["url"])
    url = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    source = origin.get("vcs_info")
    if source is not None:
        revision = source.get("requested_revision")
        url = f"{source['vcs']}+{url}{f'@{revision}' if revision else ''}"
    return f"{url}#subdirectory={origin['subdirectory']}" if "subdirectory" in origin else url


def _here() -> Path | None:
    try:
        return Path.cwd()
    except OSError:  # it was deleted, or may not be read
        return None


def _shown(path: Path) -> str:
    """A path as short as it can be typed here."""
    try:
        relative = os.path.relpath(path)
    except (OSError, ValueError):  # there is no working directory; it is on another drive
        return shlex.quote(str(path))
    if os.sep not in relative:
        relative = os.path.join(".", relative)  # a shell looks for a bare name on the PATH only
    return shlex.quote(str(path) if relative.startswith("..") else relative)
