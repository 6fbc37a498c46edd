"""The page and the HTTP API: a house over HTTP, for people and programs, and nobody else."""
