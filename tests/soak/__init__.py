"""A soak test: ten minutes of backups, prunes, verifications, drills and restores under writes, with random kills."""
