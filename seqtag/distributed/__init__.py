"""Several processes that train together: a leader and its followers."""
