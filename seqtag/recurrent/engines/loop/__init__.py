"""The loop engine: one Python step at a time, its pointwise part compiled by torch."""
