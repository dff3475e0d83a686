"""The order of batches, and the data module that hands them to Lightning."""
