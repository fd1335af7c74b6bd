"""MCAP in and out: every byte read once, hashed, checked against every index; and written so that a crash shows."""
