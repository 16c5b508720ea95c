"""MySQL and MariaDB: one family of dialects, whose differences are a `Flavour`."""
