"""Who measures: this process, processes of our own, or ray; the same rows from each."""
