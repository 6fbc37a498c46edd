"""Rendered clips of drawn people."""
