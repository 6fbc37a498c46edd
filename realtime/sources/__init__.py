"""Cameras, files, streams and screens as frames; independent of models."""
