"""Name and version of the standard that this package carries."""

SCHEMA_BASE = "https://embodied-kit.example/v1/"
"""Base of every `$id` and predicate type; never fetched."""

SCHEMA_VERSION = "1.0.0"
"""Version that new documents carry in `schema_version`."""
