"""Compiles a cell's step: traces and differentiates it, selects values to keep, prints C++."""
