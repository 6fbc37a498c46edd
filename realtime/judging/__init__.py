"""Labelled videos run through a model as `rtaction cam` would, and judged."""
