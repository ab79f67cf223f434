"""What outlives a request: replies and what was heard, sealed and expiring; keys, as hashes; usage, in figures."""
