"""One pass over the data files: each message meets the accumulator of its stream."""
