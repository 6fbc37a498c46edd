"""The settings of a training, and the folder that keeps them with its result."""
