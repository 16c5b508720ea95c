"""The settings of a PostgreSQL that is made to be restored into. Sizes are bytes where no unit is written.

Three kinds: what keeps a copy of production quiet (always), what makes a restore fast (unless it must be like
production), and what a server needs that is one of many (always).
"""

from __future__ import annotations

from dbops.sandbox.base import Needs
from dbops.sandbox.machine import Machine

_MB = 1 << 20
_GB = 1 << 30
_QUIET = {
    "max_logical_replication_workers": "0",  # a restored subscription pulls nothing
    "archive_mode": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_QUIET_BY_LIBRARY = {
    "pg_cron": {"cron.launch_active_jobs": "off", "cron.max_running_jobs": "0"},
    "timescaledb": {"timescaledb.max_background_workers": "0", "timescaledb.telemetry_level": "off"},
    "pg_partman_bgw": {"pg_partman_bgw.dbname": ""},
    "pg_squeeze": {"squeeze.worker_autostart": ""},
}
"""Libraries that start work by themselves, with their own switches. Known to the server only once they are loaded."""


def settings(needs: Needs, machine: Machine, room: int) -> dict[str, str]:
    """For a server on `machine` that has `room` for its data and its WAL."""
    found = _quiet(needs)
    if needs.preload:
        found["shared_preload_libraries"] = ",".join(needs.preload)
    if not needs.production_like:
        found |= _fast(needs, machine, room)
    return found


def _quiet(needs: Needs) -> dict[str, str]:
    found = dict(_QUIET)
    for library in needs.preload:
        found |= _QUIET_BY_LIBRARY.get(library, {})
    if needs.database and "pg_cron" in needs.preload:
        found["cron.database_name"] = needs.database  # the extension is refused in any other one
    return found


def _fast(needs: Needs, machine: Machine, room: int) -> dict[str, str]:
    jobs = max(1, needs.jobs)
    return {
        # It holds nothing that must survive a crash.
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "autovacuum": "off",
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "max_wal_size": _size(_within(room // 4, 256 * _MB, 20 * _GB)),
        "checkpoint_timeout": "1h",
        "maintenance_work_mem": _size(_within(machine.memory // 4 // jobs, 64 * _MB, _GB)),
        "shared_buffers": _size(_within(min(needs.bytes, machine.memory // 8), 64 * _MB, _GB)),
        "max_parallel_maintenance_workers": str(_within(machine.cpus // 2, 1, 4)),
        "max_worker_processes": str(8 + machine.cpus),
        "max_connections": str(max(40, 20 + 2 * jobs)),
        "max_locks_per_transaction": "1024",  # thousands of tables in one transaction
    }


def _within(value: int, least: int, most: int) -> int:
    return max(least, min(value, most))


def _size(count: int) -> str:
    return f"{count // _MB}MB"
