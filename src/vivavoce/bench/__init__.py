"""Benchmarks that ship to users: `viva bench`."""
