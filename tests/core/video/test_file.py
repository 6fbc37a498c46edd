from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from av.video.frame import VideoFrame

from rtaction.errors import SourceMissing, SourceUnreadable
from rtaction.video.file import read_declared, read_video
from rtaction.video.rgb_converter import RgbConverter
from tests.videos import index_of, write_flat_video


def test_times_are_those_of_the_file(indexed_video: Callable[..., Path]) -> None:
    times = np.array([0.0, 0.04, 0.1, 0.2, 0.21, 0.3, 0.5, 0.9, 1.0])
    frames = list(read_video(indexed_video(times)))
    assert [index_of(frame.image) for frame in frames] == list(range(9))
    assert [frame.index for frame in frames] == list(range(9))
    np.testing.assert_allclose([f.captured_at_seconds for f in frames], times, atol=0.0006)


def test_times_count_from_the_first_frame(indexed_video: Callable[..., Path]) -> None:
    frames = list(read_video(indexed_video(np.array([5.0, 5.1, 5.3]))))
    np.testing.assert_allclose([f.captured_at_seconds for f in frames], [0, 0.1, 0.3], atol=0.0006)


def test_only_frames_that_somebody_looks_at_are_converted(
    indexed_video: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    converted: list[int] = []
    convert = RgbConverter.to_rgb

    def count(self: RgbConverter, picture: VideoFrame) -> Any:
        converted.append(picture.pts or 0)
        return convert(self, picture)

    monkeypatch.setattr(RgbConverter, "to_rgb", count)
    frames = list(read_video(indexed_video(np.arange(9) / 10)))
    assert converted == []
    assert [index_of(frames[k].image) for k in (7, 2, 7)] == [7, 2, 7]
    assert len(converted) == 2


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing, match=r"none\.mp4"):
        list(read_video(tmp_path / "none.mp4"))


@pytest.mark.parametrize("content", [b"", b"not a video", bytes(1000)])
def test_what_is_no_video_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.mp4"
    path.write_bytes(content)
    with pytest.raises(SourceUnreadable, match=r"x\.mp4"):
        list(read_video(path))


def test_header_is_read(tmp_path: Path) -> None:
    declared = read_declared(write_flat_video(tmp_path / "a.mp4", value=50, seconds=2.0))
    assert declared.duration_seconds == pytest.approx(2.0, abs=0.1)
