"""A folder as a store (file://)."""

from dbops.store.local.store import LocalStore

__all__ = ["LocalStore"]
