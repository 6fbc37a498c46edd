"""Archives for tests, .rar among them: without compression its format is a few headers."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Mapping

_MAIN, _FILE, _END = 0x73, 0x74, 0x7B


def rar_of(files: Mapping[str, bytes]) -> bytes:
    """A RAR 2.9 archive whose files are stored as they are."""
    content = b"Rar!\x1a\x07\x00" + _block(_MAIN, 0, bytes(6))
    for name, data in files.items():
        encoded = name.replace("/", "\\").encode()  # as the format has it
        unix, version, stored = 3, 20, 0x30
        header = struct.pack(
            "<IIBIIBBHI",
            len(data),
            len(data),
            unix,
            zlib.crc32(data),
            0x5A21_0000,
            version,
            stored,
            len(encoded),
            0o100644,
        )
        content += _block(_FILE, 0x8000, header + encoded) + data
    return content + _block(_END, 0x4000, b"")


def _block(kind: int, flags: int, rest: bytes) -> bytes:
    body = struct.pack("<BHH", kind, flags, 7 + len(rest)) + rest
    return struct.pack("<H", zlib.crc32(body) & 0xFFFF) + body


def zip_of(files: Mapping[str, bytes]) -> bytes:
    """A .zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def tar_of(files: Mapping[str, bytes]) -> bytes:
    """A .tar archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()
