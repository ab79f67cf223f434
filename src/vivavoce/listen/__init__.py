"""Audio -> Heard."""
