"""The Invoke collection: the tasks of dbops under the names that people type. `invoke --list` must be quick."""

from __future__ import annotations

from invoke.collection import Collection

from dbops.tasks.backup import backup, backups, prune, restore, verify
from dbops.tasks.migrations import gate, merge, migrate, rehearse, status
from dbops.tasks.running import manual, schedule, targets
from dbops.tasks.setup import check, demo, doctor, drill, init, project_tests

__all__ = ["namespace"]

namespace = Collection(
    init, doctor, backup, backups, verify, restore, drill, check, status, gate, rehearse, merge, migrate, prune, demo
)
namespace.add_task(schedule)
namespace.add_task(targets)
namespace.add_task(manual, name="help")
namespace.add_task(project_tests, name="test")
