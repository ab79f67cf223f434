"""What outlives a request: for now, the ids of spoken replies."""
