"""Events: actions that start and end, from scores."""
