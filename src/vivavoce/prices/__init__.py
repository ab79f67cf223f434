"""What the originals cost: dated rows with their source, one YAML file per provider, and the sums made of them."""
