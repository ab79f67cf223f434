"""Batches from a terminal: a client of any base URL that has `/v1/files` and `/v1/batches`."""
