"""Make whole pictures of interlaced ones, whose odd and even lines are of different moments."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from fractions import Fraction

import av
from av.filter import Graph
from av.video.frame import VideoFrame

TimedPicture = tuple[float, VideoFrame]


class Deinterlacer:
    """Deinterlaces the pictures of one stream that are marked as interlaced, one by one.

    Each is given once the one after it is known. Before the first interlaced picture, all pass at
    once.
    """

    def __init__(self) -> None:
        self._graph: Graph | None = None
        self._kind: tuple[int, int, str] | None = None
        self._times_seconds: deque[float] = deque()

    def push(self, at_seconds: float, picture: VideoFrame) -> Iterator[TimedPicture]:
        """Take the next picture, and give those that are ready."""
        kind = picture.width, picture.height, picture.format.name
        if kind != self._kind and (self._graph or picture.interlaced_frame):
            yield from self.flush()
            self._graph = _graph_for(picture)
            self._kind = kind
        if self._graph is None:
            yield at_seconds, picture
            return
        self._times_seconds.append(at_seconds)
        self._graph.vpush(picture)
        yield from self._ready(self._graph)

    def flush(self) -> Iterator[TimedPicture]:
        """Give the pictures that are left, at the end of the stream."""
        graph, self._graph = self._graph, None
        if graph is not None:
            graph.vpush(None)
            yield from self._ready(graph)
        self._times_seconds.clear()

    def _ready(self, graph: Graph) -> Iterator[TimedPicture]:
        while self._times_seconds:
            try:
                picture = graph.vpull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            yield self._times_seconds.popleft(), picture


def _graph_for(picture: VideoFrame) -> Graph | None:
    """A filter for pictures of this size and format; None if they are too small for it."""
    graph = Graph()
    try:
        source = graph.add_buffer(
            width=picture.width,
            height=picture.height,
            format=picture.format,
            time_base=picture.time_base or Fraction(1, 1000),
        )
        # One picture per picture, not per field; what is not marked as interlaced is left alone.
        bwdif = graph.add("bwdif", "mode=send_frame:deint=interlaced")
        graph.link_nodes(source, bwdif, graph.add("buffersink")).configure()
    except (av.error.FFmpegError, ValueError):
        return None
    return graph
