"""The verbs of the command line, one module each, and the composition of their settings."""
