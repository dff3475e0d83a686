"""Stopping and resuming a run: checkpoints, signals, SLURM."""
