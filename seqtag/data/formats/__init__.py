"""Corpus files of each format, read into sentences for training and tagging alike."""
