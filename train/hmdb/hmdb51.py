"""HMDB51: download the archive of clips that tutorials use, and unpack some classes of it.

Kuehne et al. 2011, "HMDB: A large video database for human motion recognition"; CC BY 4.0. The
archive, 2 GB, is kept next to the unpacked clips; it and a partial download are in `.hmdb51`.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
import zlib
from collections.abc import Callable, Sequence
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from rtaction.errors import DatasetError, OutputError, UsageError
from rtaction.train.hmdb.archive import ARCHIVE_SUFFIXES, entries_of, require_rar_tool, unpack

_log = logging.getLogger(__name__)

PAGE = "https://serre.lab.brown.edu/hmdb51.html"
# The link of that page, in the form that gives the file itself. The address of old tutorials,
# serre-lab.clps.brown.edu/.../hmdb51_org.rar, is gone (voxel51/fiftyone pull request 6528). No
# hash or exact size of the archive is published, so its length as reported by the server and its
# content are checked: the publishers promise at least 101 clips of each class.
ARCHIVE_URL = (
    "https://drive.usercontent.google.com/download"
    "?id=17anw5Oxp7lmp9cMwXPOyOpL5olDLmPpj&export=download&confirm=t"
)
MIN_CLIPS = 101
# fmt: off
CLASSES = (
    "brush_hair", "cartwheel", "catch", "chew", "clap", "climb", "climb_stairs", "dive",
    "draw_sword", "dribble", "drink", "eat", "fall_floor", "fencing", "flic_flac", "golf",
    "handstand", "hit", "hug", "jump", "kick", "kick_ball", "kiss", "laugh", "pick", "pour",
    "pullup", "punch", "push", "pushup", "ride_bike", "ride_horse", "run", "shake_hands",
    "shoot_ball", "shoot_bow", "shoot_gun", "sit", "situp", "smile", "smoke", "somersault",
    "stand", "swing_baseball", "sword", "sword_exercise", "talk", "throw", "turn", "walk",
    "wave",
)
# fmt: on
_CHUNK_BYTES = 1 << 20
_WAIT_SECONDS = 30.0

OnBytes = Callable[[int, int | None], None]


def group_pattern(classes: Sequence[str]) -> str:
    """The regular expression for `--group`: clips cut from one film belong together.

    A file is named `<film>_<class>_<part of the body>_<camera motion>_...avi`.
    """
    longest_first = sorted(classes, key=lambda name: (-len(name), name))
    return f"([^/]+?)_(?:{'|'.join(longest_first)})_[hulf]_"


def fetch_hmdb51(
    folder: Path,
    classes: Sequence[str],
    *,
    source: str = ARCHIVE_URL,
    on_bytes: OnBytes | None = None,
) -> dict[str, int]:
    """Put the clips of some classes into `folder/<class>/`. Existing classes are left unchanged.

    Args:
        folder: the target; created if missing.
        classes: some of `CLASSES`.
        source: address of the archive, or a file: a .rar, .zip or .tar with a folder or an archive
            per class. Default: the publishers' own.
        on_bytes: called with the number of bytes so far and in total, or None if the server does
            not say. Default None.

    Returns:
        Number of clips of each class.

    Raises:
        UsageError: an unknown class, or a source that is neither a file nor an address.
        DatasetError: the archive could not be fetched completely, or is not as expected. What has
            been fetched is kept; the same call continues the download.
        MissingLibrary: no program that reads .rar is installed.
        OutputError: the folder cannot be written to.
    """
    unknown = sorted(set(classes) - set(CLASSES))
    if unknown or not classes:
        raise UsageError(f"{unknown or 'no class'}: expected some of {', '.join(CLASSES)}")
    missing = [name for name in classes if not (folder / name).is_dir()]
    try:
        if missing:
            kept = folder / ".hmdb51"
            kept.mkdir(parents=True, exist_ok=True)
            archive = _archive(source, kept, on_bytes)
            try:
                _unpack_classes(archive, missing, folder, kept)
            except DatasetError as error:
                raise DatasetError(
                    f"{error}. Delete {archive} to fetch it again, or use another with --from"
                ) from None
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error}") from None
    counts = {name: len(list((folder / name).glob("*.avi"))) for name in classes}
    for name, count in counts.items():
        if count < MIN_CLIPS:
            _log.warning("%s: %d clips; HMDB51 has at least %d", name, count, MIN_CLIPS)
    return counts


def _archive(source: str, kept: Path, on_bytes: OnBytes | None) -> Path:
    if not source.startswith(("http://", "https://")):
        if not Path(source).is_file():
            raise UsageError(f"{source} is neither a file nor an http address")
        return Path(source)
    # Another mirror's archive is another file.
    whole = kept / f"hmdb51_org-{zlib.crc32(source.encode()):08x}.rar"
    if not whole.exists():
        if source == ARCHIVE_URL:
            require_rar_tool()  # better now than after 2 GB
        _download(source, whole, on_bytes or (lambda there, total: None))
    return whole


def _download(url: str, whole: Path, on_bytes: OnBytes) -> None:
    """Download a file, or the rest of it; it is renamed when it is complete."""
    partial, note = whole.with_name(f"partial-{whole.name}"), whole.with_name("partial.json")
    there = partial.stat().st_size if partial.exists() else 0
    known = json.loads(note.read_text(encoding="utf-8")) if note.exists() else {}
    headers = {"User-Agent": "rtaction"}
    # Only the rest of the same file is usable; without an ETag or date, all is fetched again.
    if there and known.get("url") == url and known.get("mark"):
        headers |= {"Range": f"bytes={there}-", "If-Range": known["mark"]}
    try:
        with urlopen(Request(url, headers=headers), timeout=_WAIT_SECONDS) as answer:
            _refuse_page(answer)
            goes_on = answer.status == 206
            there = there if goes_on else 0
            length = answer.headers.get("Content-Length")
            if not length:
                raise DatasetError(
                    f"{url}: the server does not report the size of the file, so a complete "
                    "download cannot be verified; use another mirror with --from"
                )
            total = there + int(length)
            mark = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
            note.write_text(json.dumps({"url": url, "mark": mark}), encoding="utf-8")
            with partial.open("ab" if goes_on else "wb") as file:
                while chunk := answer.read(_CHUNK_BYTES):
                    file.write(chunk)
                    there += len(chunk)
                    on_bytes(there, total)
    except HTTPError as error:
        if error.code == 416:  # the file on the server is now shorter than the partial download
            partial.unlink()
        raise DatasetError(
            f"{url}: {error}; run it again, or download the archive from {PAGE} by hand and pass "
            "the file with --from"
        ) from None
    except (URLError, HTTPException, TimeoutError, ConnectionError) as error:
        raise DatasetError(
            f"{url}: {error}; {there / 1e6:.1f} MB are downloaded, run it again to go on"
        ) from None
    if there != total:
        raise DatasetError(
            f"{url}: the connection ended after {there / 1e6:.1f} of {total / 1e6:.1f} MB; run it "
            "again to go on"
        )
    os.replace(partial, whole)
    note.unlink()


def _refuse_page(answer: Any) -> None:
    if answer.headers.get_content_type() == "text/html":
        raise DatasetError(
            "expected the archive, got a web page: Google Drive sends one if the file was fetched "
            f"too often today. Download it from {PAGE} in a browser and pass it with --from"
        )


def _unpack_classes(archive: Path, classes: Sequence[str], folder: Path, kept: Path) -> None:
    names = entries_of(archive)
    for name in classes:
        with tempfile.TemporaryDirectory(prefix="unpack-", dir=kept) as scratch:
            wanted = [one for one in names if _shows(one, name)]
            if not wanted:
                raise DatasetError(f"{archive}: expected {name}.rar or {name}/*.avi, found neither")
            clips = _clips(archive, wanted, Path(scratch))
            if not clips:
                raise DatasetError(f"{archive}: there is no clip (.avi) of {name} in it")
            ready = Path(scratch, "ready")
            ready.mkdir()
            for clip in clips:
                os.replace(clip, ready / clip.name)
            # The folder appears at once: an existing one is never half unpacked.
            os.replace(ready, folder / name)


def _shows(entry: str, name: str) -> bool:
    path = PurePosixPath(entry)
    if path.suffix.lower() in ARCHIVE_SUFFIXES:
        return path.stem == name
    return path.suffix.lower() == ".avi" and path.parent.name == name


def _clips(archive: Path, wanted: Sequence[str], scratch: Path) -> list[Path]:
    """Unpack some entries, and the archives among them."""
    found = unpack(archive, wanted, scratch / "outer")
    clips = [path for path in found if path.suffix.lower() == ".avi"]
    for number, inner in enumerate(path for path in found if path not in clips):
        entries_of(inner)  # rejects what must not be unpacked
        clips += unpack(inner, (), scratch / f"inner-{number}")
    return [path for path in clips if path.suffix.lower() == ".avi"]
