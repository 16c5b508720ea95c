"""Ways to a server that cannot be reached from here directly (docs/decisions/043-routes.md)."""
