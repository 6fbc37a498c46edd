"""The classes of keras-video-generators; see `rtaction.train.keras_video.generators`."""

from rtaction.train.keras_video.base import VideoFrameGenerator
from rtaction.train.keras_video.generators import (
    METHOD_ABS_DIFF,
    METHOD_DIFF_MASK,
    METHOD_FLOW_MASK,
    METHOD_OPTICAL_FLOW,
    OpticalFlowGenerator,
    SlidingFrameGenerator,
)

__all__ = [
    "METHOD_ABS_DIFF",
    "METHOD_DIFF_MASK",
    "METHOD_FLOW_MASK",
    "METHOD_OPTICAL_FLOW",
    "OpticalFlowGenerator",
    "SlidingFrameGenerator",
    "VideoFrameGenerator",
]
