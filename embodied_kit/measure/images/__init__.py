"""Pictures: decoded, measured, compared, and one row a frame."""
