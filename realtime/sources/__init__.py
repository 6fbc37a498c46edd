"""Cameras, files, streams and screens as sources of frames; independent of models."""
