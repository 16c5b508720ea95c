"""Keys of backups: who can read them (age), and who has made them (Ed25519)."""
