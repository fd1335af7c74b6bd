class Duration:
    def __init__(self, *, seconds=0, nanoseconds=0):
        self.nanoseconds = int(seconds * 1_000_000_000) + int(nanoseconds)
        if not -(2**63) <= self.nanoseconds < 2**63:
            raise OverflowError("Total nanoseconds value is too large to store in C duration.")
