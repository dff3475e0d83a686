"""The tagger network: embedding, encoder, decoder."""
