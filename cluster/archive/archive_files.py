"""The files of an archive: found and read, on disks and behind addresses.

Addresses are those of pyarrow (s3://, gs://, hdfs://, abfss://) and of fsspec. This module knows
nothing about models.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import av
from av.container import InputContainer

from rtaction.errors import DatasetError, SourceMissing, SourceUnreadable, UsageError
from rtaction.realtime.predicting.place import UrlPath, shown, url_of
from rtaction.realtime.predicting.run import find, listed
from rtaction.video.file import VIDEO_SUFFIXES, open_video, unreadable

_READ_BYTES = 2**22  # a request to a store takes as long as some MB


def find_archive(places: Sequence[Path]) -> list[tuple[PurePath, PurePath, str]]:
    """The videos in files, folders, lists and addresses, each once.

    Args:
        places: as for `find`; an address may have options after a question mark, such as
            s3://bucket/videos?endpoint_override=localhost:9000&scheme=http.

    Returns:
        Of each: what it is called, the folder that it was found from, and where to read it.

    Raises:
        SourceMissing, DatasetError: see `find`.
        UsageError: nothing can read such an address, or it has a password in it.
    """
    found: dict[PurePath, tuple[PurePath, str]] = {}
    for place in (one for given in places for one in listed(given)):
        address = url_of(place)
        if address is None:
            for video, root in find([place]):
                found.setdefault(video, (root, str(video.absolute())))
        else:
            for name, root_url, where in _find_behind(str(address)):
                found.setdefault(name, (root_url, where))
    return [(name, root, where) for name, (root, where) in found.items()]


def is_address(place: str) -> bool:
    """Whether a place is read over a network."""
    return url_of(PurePath(place)) is not None


def fingerprint_of(place: str) -> tuple[int, str]:
    """Size in bytes and time of the last change of a file.

    Raises:
        SourceMissing: it cannot be seen.
    """
    if not is_address(place):
        try:
            found = Path(place).stat()
        except OSError as error:
            raise SourceMissing(f"{place}: {error.strerror}") from None
        return found.st_size, str(found.st_mtime_ns)
    with _told(place):
        files, path = _opened(place)
        info = files.get_file_info(path)
    return info.size or 0, str(info.mtime_ns)


@contextmanager
def local_copy(place: str) -> Iterator[Path]:
    """A file on this machine's disk, for as long as the block lasts.

    Raises:
        SourceMissing, SourceUnreadable: it is not there, or cannot be read.
    """
    if not is_address(place):
        yield Path(place)
        return
    with TemporaryDirectory(prefix="rtaction-") as folder:
        with _told(place):
            files, path = _opened(place)
            copy = Path(folder) / PurePath(path).name
            with files.open_input_stream(path) as source, copy.open("wb") as target:
                shutil.copyfileobj(source, target, _READ_BYTES)
        yield copy


@contextmanager
def opened_video(place: str) -> Iterator[InputContainer]:
    """A video, open where it is; behind an address, only what is asked for is fetched.

    Raises:
        SourceMissing, SourceUnreadable: it is not there, or is not a video.
    """
    if not is_address(place):
        with open_video(Path(place)) as container:
            yield container
        return
    with _told(place):
        files, path = _opened(place)
        source = io.BufferedReader(files.open_input_file(path), _READ_BYTES)
    with source:
        try:
            container = av.open(source, mode="r", metadata_errors="replace")
        except (av.error.FFmpegError, ValueError):
            raise unreadable(shown(place)) from None
        with container:
            yield container


def _find_behind(url: str) -> Iterator[tuple[UrlPath, UrlPath, str]]:
    parts = urlsplit(url)
    if parts.password is not None:
        raise UsageError(
            f"{shown(url)}: expected no password in an address, where all machines' logs may show "
            "it; give it to the machines by their environment (AWS_SECRET_ACCESS_KEY) or role"
        )
    from pyarrow import fs

    query = f"?{parts.query}" if parts.query else ""
    root = UrlPath(f"{parts.scheme}://{parts.netloc}{parts.path}")
    with _told(url):
        files, path = _opened(url)
        info = files.get_file_info(path)
        if info.type == fs.FileType.Directory:
            inside = files.get_file_info(fs.FileSelector(path, recursive=True))
        elif info.type == fs.FileType.File:
            inside, root, path = [info], root.parent, path.rpartition("/")[0]
        else:
            raise SourceMissing(f"{root}: no such video or folder")
    ends = tuple(VIDEO_SUFFIXES)
    names = sorted(
        one.path.removeprefix(path).lstrip("/")
        for one in inside
        if one.type == fs.FileType.File and one.path.lower().endswith(ends)
    )
    if not names:
        raise DatasetError(f"no video in {root}; expected files such as a.mp4")
    for name in names:
        yield root / name, root, f"{root / name}{query}"


@lru_cache(maxsize=8)
def _files_behind(root: str, query: str) -> Any:
    """The file system behind the first part of an address."""
    from pyarrow import fs

    try:
        return fs.FileSystem.from_uri(f"{root}{query}")[0]
    except (ValueError, NotImplementedError) as error:
        reason = error
    try:
        from fsspec.core import url_to_fs

        found, _ = url_to_fs(root)
    except (ImportError, ValueError):
        raise UsageError(f"{shown(root)}: nothing here reads such addresses: {reason}") from None
    return fs.PyFileSystem(fs.FSSpecHandler(found))


def _opened(url: str) -> tuple[Any, str]:
    """A file system, and a path in it."""
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    files = _files_behind(f"{parts.scheme}://{parts.netloc or '/'}", query)
    return files, f"{parts.netloc}{parts.path}".rstrip("/")


@contextmanager
def _told(url: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise SourceMissing(f"{shown(url)}: no such video or folder") from None
    except OSError as error:
        reason = (str(error).splitlines() or ["no reason given"])[0]
        raise SourceUnreadable(f"{shown(url)} cannot be read: {reason}") from None
