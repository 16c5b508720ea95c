"""The settings of a MySQL or MariaDB that is made to be restored into. Sizes are bytes where no unit is written.

Three kinds: what keeps a copy of production quiet and lets its rows in (always), what a data folder is born with
(always), and what makes a restore fast (unless it must be like production).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from dbops.sandbox.base import Needs
from dbops.sandbox.machine import Machine

_MB = 1 << 20
_GB = 1 << 30
_QUIET = {
    "event-scheduler": "OFF",  # a restored event does nothing
    "local-infile": "OFF",
    "default-time-zone": "+00:00",
    "max-allowed-packet": "1G",  # the most there is: a row that the source could hold must come in
    "skip-name-resolve": "ON",
    "loose-log-bin-trust-function-creators": "ON",  # functions of a source that had it, where the binary log is on
}
_QUIET_OF_PRODUCT = {
    "mysql": {"mysqlx": "OFF", "secure-file-priv": "NULL"},  # no statement reads or writes files of the system
    "mariadb": {},
}
_FAST = {
    # It holds nothing that must survive a crash.
    "innodb-flush-log-at-trx-commit": "0",
    "innodb-doublewrite": "OFF",
    "skip-log-bin": "",
    "performance-schema": "OFF",
    "innodb-buffer-pool-dump-at-shutdown": "OFF",
    "innodb-buffer-pool-load-at-startup": "OFF",
}
_BIRTH = {"lower_case_table_names": r"[012]", "innodb_page_size": r"\d{4,6}"}
"""Settings of the source, and what they look like, with which a data folder is made; it keeps them for good."""
_LIKE_THE_SOURCE = {"innodb_strict_mode": r"ON|OFF|0|1", "innodb_default_row_format": r"\w+"}
"""Settings of the source that decide whether a table can be made at all."""


def birth(needs: Needs) -> dict[str, str]:
    """What the data folder is made with; the server must be started with the same."""
    found = _taken(needs.settings, _BIRTH)
    if (
        found.get("lower-case-table-names") == "2"
    ):  # names as they are written: a file system that cares does that anyway
        found["lower-case-table-names"] = "0"
    return found


def settings(needs: Needs, machine: Machine, room: int) -> dict[str, str]:
    """For a server on `machine` that has `room` for its data and its log. An empty value: the bare name."""
    found = _QUIET | _QUIET_OF_PRODUCT[needs.engine] | birth(needs) | _taken(needs.settings, _LIKE_THE_SOURCE)
    if not needs.production_like:
        found |= _FAST | _sizes(needs, machine, room)
    if needs.shows_locks and needs.engine == "mysql":
        found["performance-schema"] = "ON"
    return found


def arguments(found: Mapping[str, str]) -> list[str]:
    """As the server takes them."""
    return [f"--{name}={value}" if value else f"--{name}" for name, value in found.items()]


def _sizes(needs: Needs, machine: Machine, room: int) -> dict[str, str]:
    log = _size(_within(min(needs.bytes, room // 8), 128 * _MB, 4 * _GB))
    return {
        "innodb-buffer-pool-size": _size(_within(min(2 * needs.bytes, machine.memory // 4), 128 * _MB, 8 * _GB)),
        # MySQL has had the first since 8.0.30, MariaDB has only the second: each takes its own.
        **({"loose-innodb-redo-log-capacity": log} if needs.engine == "mysql" else {"innodb-log-file-size": log}),
        "myisam-sort-buffer-size": _size(_within(machine.memory // 16, 8 * _MB, 256 * _MB)),
    }


def _taken(settings: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    """They come from a manifest: nothing that is not what such a setting looks like reaches a command line."""
    return {
        name.replace("_", "-"): settings[name]
        for name, form in known.items()
        if re.fullmatch(form, settings.get(name, ""))
    }


def _within(value: int, least: int, most: int) -> int:
    return max(least, min(value, most))


def _size(count: int) -> str:
    return f"{count // _MB}M"
