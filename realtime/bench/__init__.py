"""Measures what a model costs on this machine."""
