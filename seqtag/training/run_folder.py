"""Names of the checkpoints in a run folder."""

# The newest checkpoint, and the one before it.
LAST, PREVIOUS = "last.ckpt", "previous.ckpt"
