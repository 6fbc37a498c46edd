"""Every page of the documentation does what it says."""
