"""Short videos of events and of doubtful moments."""
