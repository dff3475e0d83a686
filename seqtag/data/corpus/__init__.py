"""From files, hub data sets and streams to one `datasets.Dataset` per split."""
