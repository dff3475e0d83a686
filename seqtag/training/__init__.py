"""Training and evaluation under Lightning, configured by Hydra."""
