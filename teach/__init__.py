"""A model from a handful of takes, in a minute and without the training stack."""
