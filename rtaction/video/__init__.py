"""Read and write video files by time, and prepare frames for a network."""

# Before PyAV: OpenCV's windows hang with its libxcb.
from rtaction import opencv as opencv
