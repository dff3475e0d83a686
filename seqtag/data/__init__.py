"""From files to batches: read a corpus, encode it, order it, hand it to Lightning."""
