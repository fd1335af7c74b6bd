"""The one loop: commands in, answers and snapshots out, and who works beside it."""
