"""What is kept of a measurement, so that no recording is read twice."""
