from __future__ import annotations

import pytest

from dbops.engine.mysql import broken


@pytest.mark.parametrize(
    "said",
    [
        "mysqldump: Error 1194: Table 'a' is marked as crashed and should be repaired when dumping table `a` at row: 0",
        "mysqldump: Got error: 1168: Unable to open underlying table when using LOCK TABLES",
        "mariadb-dump: Couldn't execute 'show create table `a`': Can't find file (1017)",
        "mariadb-dump: Error 126: Index for table './shop/m' is corrupt; try to repair it when dumping table",
        "mariadb-dump: Couldn't execute 'x': Got error 194 \"Tablespace is missing for a table\" from InnoDB (1030)",
    ],
)
def test_a_table_that_cannot_be_opened_is_told_apart(said: str) -> None:
    found = broken.of_program(said)
    assert found is not None
    assert (found.kind, found.message) == ("table-broken", said)


@pytest.mark.parametrize(
    "said",
    [
        "mysqldump: Error 2013: Lost connection to server during query when dumping table `a` at row: 145",
        'mariadb-dump: Got error 28 "No space left on device" from storage engine Aria (1030)',
        "mysqldump: Couldn't execute 'SELECT 126': denied (1142)",
    ],
)
def test_another_failure_is_not(said: str) -> None:
    assert broken.of_program(said) is None
