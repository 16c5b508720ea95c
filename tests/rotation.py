"""Which case of a test runs on which server: each test on all of its servers, each of its cases on one, in turn.

Most tests run on three servers of a family, and many have dozens of cases (kinds of value, places where a dump is cut).
The whole product takes much longer and finds little more: a server that differs shows in the test's other cases.
DBOPS_TEST_EVERY_CASE=1 runs all of it.
"""

from __future__ import annotations

import os
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Sequence

_SERVER = re.compile(r"(?<=[\[-])(?:pg\d\d|(?:mariadb|mysql)\d+\.\d+)(?=[\]-])")


def due(ids: Sequence[str]) -> set[str]:
    """Those of the tests with these node ids that are to run."""
    if os.environ.get("DBOPS_TEST_EVERY_CASE") == "1":
        return set(ids)
    chosen = set()
    tests: dict[str, dict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    for node in ids:
        if server := _SERVER.search(node):
            case = node[: server.start()] + node[server.end() :]
            tests[node.partition("[")[0]][case][server.group()] = node
        else:
            chosen.add(node)
    for test, cases in tests.items():
        chosen.update(_in_turn(test, list(cases.values())))
    return chosen


def _in_turn(test: str, cases: Sequence[dict[str, str]]) -> list[str]:
    """One node of each case, of the server that has had the fewest; then one of each server that has had none."""
    servers = sorted({server for nodes in cases for server in nodes})
    shift = zlib.crc32(test.encode()) % len(servers)  # not the same server first everywhere
    order = servers[shift:] + servers[:shift]
    taken: Counter[str] = Counter()
    chosen = []
    for nodes in cases:
        server = min((server for server in order if server in nodes), key=taken.__getitem__)
        taken[server] += 1
        chosen.append(nodes[server])
    for server in order:
        if not taken[server]:
            chosen.append(next(nodes[server] for nodes in cases if server in nodes))
    return chosen
