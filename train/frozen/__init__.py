"""Features of a network's frozen part, computed once and kept."""
