"""Measures how well a network names clips."""
