"""What the exams ask: cards, items and templates as TOML, with their licences; data, no code."""
