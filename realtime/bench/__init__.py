"""Measure the cost of a model on this machine."""

# Before PyAV: OpenCV's windows hang with its libxcb.
from rtaction import opencv as opencv
