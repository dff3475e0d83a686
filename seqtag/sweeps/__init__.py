"""Many runs: the record of each, grids and searches, and the table that they end with."""
