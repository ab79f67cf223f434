"""What outlives a request: replies, what was heard, files and batches, sealed and expiring; keys, as hashes; usage, in
figures."""
