"""Write and read model folders: configuration, weights, model card, and checks when loading."""
