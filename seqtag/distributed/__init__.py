"""Distributed training: a leader process and its followers."""
