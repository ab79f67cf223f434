"""OpenAI wire shapes, and nothing else."""
