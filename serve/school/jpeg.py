"""How large a JPEG picture is, before it is decoded: a small file may hold a huge one."""

from __future__ import annotations

_START = b"\xff\xd8"
# Frames of all processes; see table B.1 of https://www.w3.org/Graphics/JPEG/itu-t81.pdf.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset(range(0xD0, 0xD8)) | {0x01}


def jpeg_size(jpeg: bytes) -> tuple[int, int] | None:
    """Height and width, or None if this is no JPEG picture."""
    if not jpeg.startswith(_START):
        return None
    at = len(_START)
    while at + 9 <= len(jpeg) and jpeg[at] == 0xFF:
        marker = jpeg[at + 1]
        if marker == 0xFF:  # fills up
            at += 1
        elif marker in _ALONE:
            at += 2
        elif marker in _FRAMES:
            return int.from_bytes(jpeg[at + 5 : at + 7]), int.from_bytes(jpeg[at + 7 : at + 9])
        else:
            at += 2 + int.from_bytes(jpeg[at + 2 : at + 4])
    return None
