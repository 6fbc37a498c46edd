"""A handful of takes to a model, in a minute, without a training stack."""
