"""One module a verb of the command line, and how Hydra composes their settings."""
