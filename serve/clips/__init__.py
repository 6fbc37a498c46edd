"""Videos and pictures of events."""
