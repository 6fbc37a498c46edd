"""Teach and watch by the camera of a browser."""
