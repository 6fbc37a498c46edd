"""Encoders of H.264 are tried before they are relied on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from rtaction.video import encoders, formats
from rtaction.video.encoders import H264Encoder, hardware_encoder, software_encoder
from rtaction.video.writer import EncodedFile


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    for found in (hardware_encoder, software_encoder):
        found.cache_clear()
    yield
    for found in (hardware_encoder, software_encoder):
        found.cache_clear()


def test_the_first_that_works_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    works = H264Encoder("libx264", options={"preset": "ultrafast", "tune": "zerolatency"})
    candidates = (
        H264Encoder("h264_nothing"),
        H264Encoder("libx264", "rgb24"),  # it does not take these
        H264Encoder("mjpeg", "yuvj420p"),  # what it encodes is no H.264
        works,
    )
    monkeypatch.setattr(encoders, "_HARDWARE", candidates)
    assert hardware_encoder() is works
    monkeypatch.setattr(encoders, "_HARDWARE", candidates[:3])
    hardware_encoder.cache_clear()
    assert hardware_encoder() is None


def test_without_libx264_another_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert software_encoder().codec == "libx264"
    other = H264Encoder("mpeg4")
    monkeypatch.setattr(encoders, "_SOFTWARE", (H264Encoder("h264_nothing"), other))
    software_encoder.cache_clear()
    assert software_encoder() is other


def test_one_that_is_busy_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    busy = H264Encoder("libx264", options={"preset": "there is none"})
    monkeypatch.setattr(formats, "hardware_encoder", lambda: busy)
    file = EncodedFile(
        tmp_path / "clip.mp4", 10.0, (48, 64), uses_hardware=True, comment="what it says"
    )
    for number in range(5):
        image: Any = np.full((48, 64, 3), 100, np.uint8)
        file.write(image, number / 10)
    file.close()
    with av.open(str(tmp_path / "clip.mp4")) as container:
        assert container.metadata["comment"] == "what it says"
        assert len(list(container.decode(video=0))) == 5
