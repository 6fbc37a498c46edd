"""Scores into actions that start and end."""
