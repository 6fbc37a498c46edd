"""What the headers of a JPEG tell."""

from __future__ import annotations

# JPEG markers within the range of frame headers that are not frame headers (ITU T.81, table B.1).
_NO_FRAME_HEADER = {0xC4, 0xC8, 0xCC}


def jpeg_size_hw(jpeg: bytes) -> tuple[int, int] | None:
    """Height and width of a JPEG, without decoding; None if its headers are damaged."""
    at = 2
    while at + 9 <= len(jpeg) and jpeg[at] == 0xFF:
        marker = jpeg[at + 1]
        if marker == 0xFF:  # padding
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in _NO_FRAME_HEADER:
            return int.from_bytes(jpeg[at + 5 : at + 7]), int.from_bytes(jpeg[at + 7 : at + 9])
        else:
            at += 2 + int.from_bytes(jpeg[at + 2 : at + 4])
    return None
