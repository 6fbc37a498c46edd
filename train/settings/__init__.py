"""A training's settings, and the run folder that keeps them."""
