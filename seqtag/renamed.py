"""Names of earlier versions that configurations, checkpoints and records may still hold."""

# Classes that a configuration may name by `_target_`.
TARGETS = {
    "seqtag.training.last.LastCheckpoint": "seqtag.training.resume.last_checkpoint.LastCheckpoint"
}
