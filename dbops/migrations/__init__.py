"""Alembic and Flask-Migrate histories, read from their files: nothing of the application is imported or run."""
