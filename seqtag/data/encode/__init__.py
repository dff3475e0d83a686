"""Words to numbers: vocabularies, label sets, word vectors."""
