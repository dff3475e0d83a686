"""Convert words and labels to numbers: vocabularies, label sets, word vectors."""
