"""Text to phonemes, per language, in Kokoro's alphabet. `languages.pronouncer` picks the one for a language."""
