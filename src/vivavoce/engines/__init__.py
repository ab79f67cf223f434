"""Engines by name, and the process that holds them."""
