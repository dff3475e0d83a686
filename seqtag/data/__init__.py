"""From files to batches: read a corpus, encode it, batch it, and provide it to Lightning."""
