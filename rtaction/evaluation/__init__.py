"""How good predictions are: accuracy, calibration and events, with intervals, and as text."""
