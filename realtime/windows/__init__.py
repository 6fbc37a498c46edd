"""Frames collected into the windows that a network sees."""
