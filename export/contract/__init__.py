"""Labels, timing and pixel format for models trained elsewhere."""
