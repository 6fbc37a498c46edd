"""Cameras to live labels: sources, ring buffer, recognizer, overlay, sinks."""
