"""Use a trained tagger: raw text or words in, labels and spans out."""
