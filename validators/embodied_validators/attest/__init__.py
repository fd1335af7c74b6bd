"""Conformity attestation: a manifest of every file, a signed statement over it, and its check, all offline."""
