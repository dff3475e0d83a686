"""Find problems of a corpus before training on it."""
