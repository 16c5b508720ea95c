"""What to look at where an upgrade ends well and the database is not where it should be."""

from __future__ import annotations

from dbops.config import Migrations
from dbops.language import msg
from dbops.migrations.runner import Outcome


def hint(outcome: Outcome, settings: Migrations) -> str:
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
