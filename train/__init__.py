"""Training: labelled videos into a network."""
