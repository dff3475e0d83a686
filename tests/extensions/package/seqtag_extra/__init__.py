"""A package that adds one part of each kind to seqtag."""
