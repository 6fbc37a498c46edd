"""How sources are watched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rtaction.frame import FrameLike
from rtaction.pose.people import PoseNetworks
from rtaction.realtime.windows.who_counts import EVERYBODY, CountOptions

if TYPE_CHECKING:
    from rtaction.realtime.sources.stream_packets import StreamPacket


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """How sources are watched.

    Args:
        stride_seconds: time from one window to the next. Default None: the frame interval of a
            clip, so that a new window needs one new frame.
        keep_frames: put the newest frames into the moments, to be drawn. Default True.
        frames_beside: put the last frame of each window beside its prediction. Default False.
        reconnect: reopen lost sources, without limit. Default True.
        wait_for_sources: keep trying even if no source can be opened at first. Default False.
        paced: play files in real time even if there are only files. Default False.
        tell_slow: warn of a video with too few frames a second for the model. Default True.
        on_frame: called with every frame, on the thread that reads its source. Default None.
        on_packet: called with every packet of a stream from the network, before it is decoded, on
            the thread that reads it. Default None.
        count: who counts, for a model of people. Default `EVERYBODY`.
        windows: judge files by windows as well if the model was trained on clips spread over whole
            videos; by default such a model judges a file once, at its end. Default False.
        networks: find and follow people, for a model of people. Default None: those of the model,
            see `rtaction.realtime.model.action_model.ActionModel.pose_networks`.
    """

    stride_seconds: float | None = None
    keep_frames: bool = True
    frames_beside: bool = False
    reconnect: bool = True
    wait_for_sources: bool = False
    paced: bool = False
    tell_slow: bool = True
    on_frame: Callable[[FrameLike], None] | None = None
    on_packet: Callable[[StreamPacket], None] | None = None
    count: CountOptions = EVERYBODY
    windows: bool = False
    networks: PoseNetworks | None = None


DEFAULT_OPTIONS = WatchOptions()
