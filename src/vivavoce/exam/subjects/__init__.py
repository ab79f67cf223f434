"""One module per exam: the pool of its items, how one is put, and its scorer."""
