"""What outlives a request: spoken replies, and what was heard in recordings. All of it sealed, all of it expiring."""
