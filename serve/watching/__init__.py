"""The house that watches real cameras."""
