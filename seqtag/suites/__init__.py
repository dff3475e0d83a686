"""Published suites of minimal pairs, read from local files in their original formats."""
