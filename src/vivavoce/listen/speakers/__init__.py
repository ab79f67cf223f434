"""Who speaks when: Audio -> windows of voices -> turns of speakers."""
