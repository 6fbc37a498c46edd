"""`rtaction serve`: from options to a house, its sinks and its page."""
