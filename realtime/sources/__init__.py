"""Cameras, files, streams and screens as sources of frames; independent of models."""

# Before PyAV: OpenCV's windows hang with its libxcb.
from rtaction import opencv as opencv
