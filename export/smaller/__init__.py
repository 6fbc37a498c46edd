"""The same model, smaller or for other runtimes."""
