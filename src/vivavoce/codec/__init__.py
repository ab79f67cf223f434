"""bytes <-> Audio."""
