"""A trained tagger at work: raw text in, labels and spans out."""
