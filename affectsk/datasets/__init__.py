"""Data: rendered faces and frames in memory, and the official layouts of the challenges."""
