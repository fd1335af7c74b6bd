"""One module a facts table: columns and documents in, rows out."""
