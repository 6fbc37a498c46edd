"""Batches of clips, from videos."""

# Before PyAV: OpenCV's windows hang with its libxcb.
from rtaction import opencv as opencv
