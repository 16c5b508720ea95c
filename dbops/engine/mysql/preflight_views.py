"""Views of the database that is to be replaced which fail already: the database set aside cannot have them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dbops.engine.base import Destination
from dbops.engine.mysql import source_views
from dbops.engine.mysql.belongings import inside
from dbops.engine.mysql.preflight_settings import warning
from dbops.engine.restoring import Wishes
from dbops.language import msg
from dbops.model import Finding

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection


def not_kept(connection: Connection, destination: Destination, wishes: Wishes) -> Iterator[Finding]:
    """A swap makes views anew around the old tables, and no server makes one of what is not there. A replacement in
    place makes a safety backup first, which holds their definitions. `connection` is in no database of interest."""
    if not destination.exists or wishes.in_place:
        return
    with inside(connection, destination.name):
        found = source_views.undumpable(connection)
    for view in found:
        yield warning(
            "view-not-kept",
            view.name,
            msg("a view that can be opened"),
            msg("it cannot be opened as it is ({said}): the old database, set aside, will not have it", said=view.said),
            msg("keep its definition, if anybody wants it: SHOW CREATE VIEW, or a backup's database.sql"),
        )
