"""Check that two models give the same scores."""
