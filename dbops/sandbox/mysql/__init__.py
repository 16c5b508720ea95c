"""Sandboxes for MySQL and MariaDB: one family, whose differences are a `product.Product`."""
