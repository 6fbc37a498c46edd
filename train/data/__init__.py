"""From videos to batches."""
