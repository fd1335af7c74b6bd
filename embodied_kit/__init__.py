"""embodied-kit's ground floor: records, documents, MCAP, messages and measures; no ROS and no rules."""

__version__ = "0.1.0"
