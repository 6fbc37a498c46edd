"""How well a network names clips."""
