"""Sweeps: grids and searches over many runs, their records, and the table of their results."""
