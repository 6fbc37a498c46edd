"""Cameras, streams, files and screens, opened by what their address says.

A *live* source goes on whether or not anybody looks; a file waits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from rtaction.deferred_frame import DeferredFrame, FrameLike
from rtaction.realtime.sources.cameras import Camera
from rtaction.realtime.sources.files import FileSource, ImagesSource, Paced
from rtaction.realtime.sources.source import BareSource, Source


class Viewed:
    """A source whose pictures are turned and cut as its camera's view says, and bear its name.

    Args:
        source: anything that gives frames.
        camera: its view and its name.
        is_finite: whether the source's end is no loss.
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
        """The source's frames, turned and cut when somebody looks at them."""
        run, size_hw = 0, None
        for frame in self._source.frames():
            # In a file pictures of several sizes still show one run of time.
            run += self.is_live and not self.is_finite and size_hw not in (None, frame.size_hw)
            size_hw = frame.size_hw
            yield DeferredFrame(
                partial(self._view.apply, frame.image),
                frame.captured_at_seconds,
                frame.index,
                self.name,
                run,
            )

    def close(self) -> None:
        """End `frames` soon."""
        self._source.close()


def is_file(camera: Camera) -> bool:
    """Whether a camera is none: a video or pictures, which can be read as fast as one likes."""
    return camera.address.kind in ("file", "images")


def open_source(camera: Camera, *, paced: bool = True) -> Source:
    """Open what an address names.

    Args:
        camera: what to open.
        paced: play a file at its own pace, as if it were a camera. Default True.

    Raises:
        SourceError: it cannot be opened; see `rtaction.errors`.
    """
    # Each kind needs another library.
    kind = camera.address.kind
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
