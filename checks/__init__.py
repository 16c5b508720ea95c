"""Executable checks over backups: `invoke check`, `pytest checks/`, or `pytest --pyargs dbops.checks`."""
