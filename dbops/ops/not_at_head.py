"""What to look at where an upgrade ends well and the database is not where it should be."""

from __future__ import annotations

import re

from dbops.config import Migrations
from dbops.language import msg
from dbops.migrations.runner import Outcome

_BOOKKEEPING = re.compile(r"(?:INSERT INTO|UPDATE) (\S+) (?:\(version_num\)|SET version_num=)", re.IGNORECASE)
"""What Alembic writes into its version table."""


def hint(outcome: Outcome, settings: Migrations) -> str:
    """What to look at when an upgrade ended well and the database is not at the head."""
    table = _kept_in(outcome)
    schema, _, name = table.rpartition(".")
    wanted = settings.version_schema
    if table and (name != settings.version_table or (schema and wanted and schema != wanted)):
        key = f", version_schema = '{schema}'" if schema else ""
        return msg(
            "the application keeps its revisions in the table {table}: write version_table = '{name}'{key} into "
            "[targets.….migrations]",
            table=table,
            name=name,
            key=key,
        )
    if outcome.begun:  # it is the right database, with the right revisions
        return msg(
            "{revision} was begun there: does it commit, roll back or end the program by itself? Alembic's own row is "
            "lost then; what has to be committed by itself belongs into op.get_context().autocommit_block()",
            revision=outcome.begun[-1].revision,
        )
    return msg(
        "does it read its URL from {url_variable}, and run what is in {directory}?",
        url_variable=settings.url_variable,
        directory=settings.directory,
    )


def _kept_in(outcome: Outcome) -> str:
    """The version table that Alembic has written to, as it names it without quotes; '' if to none."""
    found = (_BOOKKEEPING.match(one.sql) for one in outcome.statements)
    return next((match[1].replace('"', "").replace("`", "") for match in found if match), "")
