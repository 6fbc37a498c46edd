"""Labels, timing and pixels of a model from elsewhere."""
