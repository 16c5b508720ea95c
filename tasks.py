"""The tasks of dbops, so that plain `invoke` finds them in a checkout."""

from dbops.tasks import namespace

__all__ = ["namespace"]
