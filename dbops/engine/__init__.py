"""Engines: each database dialect with its client tools, behind the ports of `base`, `restoring` and `migrating`."""
