"""Raw text: how it is split into sentences and tokens."""
