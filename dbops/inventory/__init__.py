"""What a database holds: taken with a backup, compared with a copy."""
