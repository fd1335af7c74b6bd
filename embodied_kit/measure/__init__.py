"""Measuring: bytes to facts. Nothing here knows a rule."""
