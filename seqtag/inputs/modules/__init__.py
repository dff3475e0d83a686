"""Modules that make vectors from the ids of inputs, by torch."""
