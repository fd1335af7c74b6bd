"""What the documents say: read, linked with each other, and given to the derivers."""
