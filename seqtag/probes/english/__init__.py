"""Shared parts of the English probes: words, choice of persons, sentences, parsers."""
