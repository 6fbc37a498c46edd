"""What a figure is worth: accuracy, events, calibration, intervals."""
