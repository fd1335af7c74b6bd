"""From the receiving process to the disk: a ring in shared memory, the writer behind it, and a disk that may fail."""
