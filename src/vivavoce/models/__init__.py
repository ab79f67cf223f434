"""Weights: where from, licence, sha256; pull, verify, list."""
