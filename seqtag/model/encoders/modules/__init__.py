"""PyTorch modules of encoders."""
