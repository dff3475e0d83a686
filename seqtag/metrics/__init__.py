"""What an evaluation counts: spans and tokens."""
