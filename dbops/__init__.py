"""dbops: database backups that are proved to restore."""

__version__ = "0.1.0"
