"""Human-made minimal pairs, read from local files in the formats they are published in."""
