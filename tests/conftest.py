"""Tests send SIGINT to programs, which must not inherit that it is ignored, as jobs in a shell's background do."""

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
