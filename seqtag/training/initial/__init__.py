"""Begin a training with a model folder (``init=FOLDER``): its vocabularies, labels and weights."""
