"""Engines: different ways to run a cell over a batch of sequences."""
