"""The engines: each runs a cell over a sequence in its own way."""
