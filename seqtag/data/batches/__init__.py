"""The order of batches, and the Lightning data module that provides them."""
