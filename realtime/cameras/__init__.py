"""Cameras as they are described: where they are, what of them is seen, and when. It opens none."""

# Before PyAV: OpenCV's windows hang with its libxcb.
from rtaction import opencv as opencv
