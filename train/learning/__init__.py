"""The training loop, cross-validation and automatic settings."""
