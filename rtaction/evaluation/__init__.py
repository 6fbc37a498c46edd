"""Accuracy, events and calibration, with confidence intervals."""
