"""Numbers over whole columns of any length, in bounded memory."""
