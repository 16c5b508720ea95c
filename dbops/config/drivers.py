"""The driver that a database URL names, as in `postgresql+asyncpg://`: it is the application's; dbops has its own."""

from __future__ import annotations

import msgspec

from dbops.config import Target


def with_driver(target: Target) -> Target:
    """The target whose application is given a URL with the driver that its own URL names, unless its settings say
    which: an asynchronous `env.py` runs with no other."""
    scheme, _, driver = target.url.reveal().partition("://")[0].lower().partition("+")
    if not driver or target.migrations is None or target.migrations.driver is not None:
        return target
    named = f"{'postgresql' if scheme == 'postgres' else scheme}+{driver}"
    return msgspec.structs.replace(target, migrations=msgspec.structs.replace(target.migrations, driver=named))
