"""Recorders: contract, preflight, session, ledger and sink over a Transport; the simulated robot."""
