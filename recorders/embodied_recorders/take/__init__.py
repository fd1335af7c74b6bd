"""One take, from its first message to its closing document: what is written, counted and known to be lost."""
