"""Whether two models say the same."""
