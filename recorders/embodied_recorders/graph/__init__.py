"""The live graph: what a contract asks of it, the look before a take, and who comes and goes."""
