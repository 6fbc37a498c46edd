"""Ids of cameras: for addresses and topics, unique, and the same after a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtaction.realtime.cameras.camera import cameras_of
from rtaction.serve.watching.setups import id_of, setups_of


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Front door", "front-door"),
        ("Küche  2", "kuche-2"),
        ("/videos/fall 1.mp4", "fall-1-mp4"),
        ("rtsp://192.168.1.20/stream1", "rtsp-192-168-1-20-stream1"),
        ("日本", "camera"),
        ("x" * 100, "x" * 40),
    ],
)
def test_ids(name: str, expected: str) -> None:
    assert id_of(name) == expected


def test_they_are_unique() -> None:
    cameras = cameras_of(["rtsp://host/A", "rtsp://host/a", "rtsp://host/%61"])
    setups = setups_of(cameras, Path("model.onnx"))
    assert [one.id for one in setups] == ["rtsp-host-a", "rtsp-host-a-2", "rtsp-host-61"]
    assert {one.model for one in setups} == {Path("model.onnx")}
