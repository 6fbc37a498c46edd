"""From scores to actions that start and end."""
