"""Clips to a trained network: videos, sliding windows, networks, fit."""
