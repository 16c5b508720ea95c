"""Executable checks over backups: `invoke check`, `pytest checks/` in a checkout, or `pytest --pyargs dbops.checks`."""
