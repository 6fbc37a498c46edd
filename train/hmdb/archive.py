"""Unpack archives: .rar with any installed program, .zip and .tar with Python."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from rtaction.errors import DatasetError, MissingLibrary

ARCHIVE_SUFFIXES = {".rar", ".zip", ".tar"}
_RAR, _ZIP = b"Rar!\x1a\x07", b"PK\x03\x04"


def entries_of(archive: Path) -> list[str]:
    """List all entries; reject an archive with an entry that would be outside the target folder.

    Raises:
        DatasetError: an entry outside the target, a damaged archive, or not an archive.
        MissingLibrary: no program that reads .rar is installed.
    """
    names: list[str] = _reader(archive)[0](archive)
    for name in names:
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in name.split("/")[0]:
            raise DatasetError(f"{archive}: the entry {name!r} points out of the target folder")
    return names


def unpack(archive: Path, names: Sequence[str], folder: Path) -> list[Path]:
    """Unpack some entries into a new folder.

    Args:
        archive: an archive that `entries_of` accepts.
        names: the entries; empty for all.
        folder: the new folder; must not exist yet.

    Returns:
        The regular files unpacked, without links.

    Raises:
        DatasetError: the archive is damaged.
    """
    folder.mkdir()
    _reader(archive)[1](archive, names, folder)
    return sorted(p for p in folder.rglob("*") if p.is_file() and not p.is_symlink())


def _reader(archive: Path) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The functions that list and unpack an archive, by the first bytes of the file."""
    with archive.open("rb") as file:
        start = file.read(len(_RAR))
    if start.startswith(_RAR):
        return _list_rar, _unpack_rar
    if start.startswith(_ZIP):
        return _list_zip, _unpack_zip
    if tarfile.is_tarfile(archive):
        return _list_tar, _unpack_tar
    raise DatasetError(f"{archive}: expected a .rar, .zip or .tar, got something else")


def _list_zip(archive: Path) -> list[str]:
    try:
        with zipfile.ZipFile(archive) as file:
            return file.namelist()
    except zipfile.BadZipFile as error:
        raise DatasetError(f"{archive}: damaged: {error}") from None


def _unpack_zip(archive: Path, names: Sequence[str], folder: Path) -> None:
    try:
        with zipfile.ZipFile(archive) as file:
            file.extractall(folder, names or None)
    except zipfile.BadZipFile as error:
        raise DatasetError(f"{archive}: damaged: {error}") from None


def _list_tar(archive: Path) -> list[str]:
    try:
        with tarfile.open(archive) as file:
            return file.getnames()
    except (tarfile.TarError, EOFError) as error:
        raise DatasetError(f"{archive}: damaged: {error}") from None


def _unpack_tar(archive: Path, names: Sequence[str], folder: Path) -> None:
    try:
        with tarfile.open(archive) as file:
            members = [file.getmember(name) for name in names] or None
            file.extractall(folder, members, filter="data")
    except (tarfile.TarError, EOFError) as error:
        raise DatasetError(f"{archive}: damaged: {error}") from None


def _list_rar(archive: Path) -> list[str]:
    tool = require_rar_tool()
    commands = {"unrar": ["lb"], "lsar": [], "bsdtar": ["-tf"], "tar": ["-tf"]}
    lister = "lsar" if tool == "unar" else tool
    lines = _run([lister, *commands[lister], str(archive)], archive).splitlines()
    return lines[1:] if lister == "lsar" else lines  # lsar's first line is the archive's name


def _unpack_rar(archive: Path, names: Sequence[str], folder: Path) -> None:
    tool = require_rar_tool()
    if tool == "unrar":
        command = ["unrar", "x", "-o+", "-idq", str(archive), *names, f"{folder}{os.sep}"]
    elif tool == "unar":
        command = ["unar", "-quiet", "-force-overwrite", "-no-directory", "-output-directory"]
        command += [str(folder), str(archive), *names]
    else:
        # bsdtar takes names as patterns.
        exact = [re.sub(r"([*?\[\]\\])", r"\\\1", name) for name in names]
        command = [tool, "-xf", str(archive), "-C", str(folder), *exact]
    _run(command, archive)


def require_rar_tool() -> str:
    """A program that reads .rar; `tar` on Windows is bsdtar.

    Raises:
        MissingLibrary: there is none.
    """
    for tool in ("bsdtar", "unar", "unrar", *(["tar"] if sys.platform == "win32" else [])):
        if shutil.which(tool) and (tool != "unar" or shutil.which("lsar")):
            return tool
    raise MissingLibrary(
        "no program that unpacks .rar is installed: sudo apt install libarchive-tools, or brew "
        "install unar"
    )


def _run(command: Sequence[str], archive: Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, errors="replace")
    if done.returncode != 0:
        reason = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        raise DatasetError(f"{archive}: {command[0]} cannot unpack it: {reason[-1]}")
    return done.stdout
