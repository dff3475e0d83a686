"""Names of files in a run folder."""

from seqtag.columns import CURVES_PICTURE, GRADIENTS, ITEMS, LEARN, PAIRS, SUITE

# The newest checkpoint, and the one before it.
LAST, PREVIOUS = "last.ckpt", "previous.ckpt"

# What trainings and probes write, except for the record and the log.
OUTPUTS = (
    *("checkpoints", "metrics.csv", "metrics.json", "model", "report"),
    *("predictions.conll", "confusion.csv", "errors.html"),
    *(ITEMS, LEARN, GRADIENTS, CURVES_PICTURE, PAIRS, SUITE),
)
