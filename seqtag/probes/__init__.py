"""Generated sequences whose answer lies a known distance away."""
