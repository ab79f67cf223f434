"""`viva transcribe`: recordings of any length, from files, folders and pipes, written down in every format."""
