"""A local server for taggers: REST and a page for the browser."""
