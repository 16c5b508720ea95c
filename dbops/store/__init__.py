"""Where backups live, behind the port of `base`."""
