"""Old names of classes that configurations, checkpoints and records may still contain."""

# Classes that a configuration may name by `_target_`: old path to new path.
TARGETS = {
    "seqtag.training.last.LastCheckpoint": "seqtag.training.resume.last_checkpoint.LastCheckpoint"
}
