"""Open cameras, streams, files and screens by their address.

A *live* source continues whether or not anybody reads it; a file waits.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy.typing as npt

from rtaction.frame import DeferredFrame, FrameLike
from rtaction.realtime.cameras.camera import Camera
from rtaction.realtime.sources.files import FileSource, ImagesSource, Paced
from rtaction.realtime.sources.source import BareSource, Source

_log = logging.getLogger(__name__)


class Viewed:
    """A source with the view and the name of its camera applied to its frames.

    Args:
        source: any source of frames.
        camera: its view and its name.
        is_finite: whether the source may end without being lost.
    """

    def __init__(self, source: BareSource, camera: Camera, *, is_finite: bool) -> None:
        self.name = camera.name
        self.is_live = source.is_live
        self.is_finite = is_finite
        self.frames_per_second = source.frames_per_second
        self.drops: Counter[str] = Counter()
        self._source = source
        self._view = camera.view

    def frames(self) -> Iterator[FrameLike]:
        """The source's frames, cropped and turned on demand."""
        segment, size_hw = 0, None
        for frame in self._source.frames():
            # A file with frames of several sizes is still one continuous segment.
            if self.is_live and not self.is_finite:
                before, size_hw = size_hw, frame.image.shape[:2]
                segment += before not in (None, size_hw)
            yield DeferredFrame(
                partial(self._image, frame),
                frame.captured_at_seconds,
                frame.index,
                self.name,
                segment,
            )

    def _image(self, frame: FrameLike) -> npt.NDArray[Any]:
        return self._view.apply(frame.image)

    def close(self) -> None:
        """End `frames` soon."""
        self._source.close()


def is_file(camera: Camera) -> bool:
    """Whether a source is a video or images on disk, which can be read at any speed."""
    return camera.address.kind in ("file", "images")


def open_source(camera: Camera, *, paced: bool = True) -> Source:
    """Open a source by its address.

    Args:
        camera: the source.
        paced: play a file in real time, as if it were a camera. Default True.

    Raises:
        SourceError: it cannot be opened; see `rtaction.errors`.
    """
    # Each kind needs another library.
    kind = camera.address.kind
    _log.debug("%s: opening, as %s", camera.name, kind)
    if kind == "webcam":
        from rtaction.realtime.sources.webcam import WebcamSource

        return WebcamSource(camera)
    if kind == "screen":
        from rtaction.realtime.sources.screen import ScreenSource

        return Viewed(ScreenSource(camera.address), camera, is_finite=False)
    if kind in ("rtsp", "http"):
        from rtaction.realtime.sources.network import StreamSource

        return StreamSource(camera)
    target = str(camera.address.target)
    source: BareSource = ImagesSource(target) if kind == "images" else FileSource(Path(target))
    return Viewed(Paced(source) if paced else source, camera, is_finite=True)
