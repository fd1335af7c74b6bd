"""Transports: one module each behind one Protocol, one row each in TRANSPORTS."""
