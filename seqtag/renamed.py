"""Differences between configurations of earlier versions, in files and records, and of this one."""

# Classes that a configuration may name by `_target_`: old path to new path.
TARGETS = {
    "seqtag.training.last.LastCheckpoint": "seqtag.training.resume.last_checkpoint.LastCheckpoint"
}

# Keys that records of earlier versions lack: the full key, and the value with which a run is as it
# was without the key. Keys whose value is null need no entry.
ADDED = {
    "data.tokenizer": "default",
    "data.test_fraction": 0.0,
    "data.split_by": "sentence",
    "data.gazetteer_ignore_case": False,
    "data.gazetteer_encoding": "utf-8",
    "model.gazetteer_size": 10,
    "model.words.vectors_for": "train",
    "probe.weight_decay": 0.3,
}
