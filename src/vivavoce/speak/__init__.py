"""Text -> Audio."""
