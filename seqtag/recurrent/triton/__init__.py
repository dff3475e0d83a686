"""Kernels in Triton, generated from a cell's plan: how a layer runs on a GPU."""
