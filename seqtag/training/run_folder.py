"""Names of the files in the folder of a run."""

# The newest checkpoint, and the one before it.
LAST, PREVIOUS = "last.ckpt", "previous.ckpt"
