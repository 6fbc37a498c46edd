"""Display windows, annotated video, JSON lines and event clips."""

# Before PyAV: OpenCV's windows hang with its libxcb.
from rtaction import opencv as opencv
