"""A trained tagger on disk: weights, card, and the checks before it is loaded."""
