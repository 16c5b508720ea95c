"""Throw-away servers of PostgreSQL: from local programs, from a wheel, in a container."""
