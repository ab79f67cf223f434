"""HTTP: the OpenAI-compatible endpoint."""
