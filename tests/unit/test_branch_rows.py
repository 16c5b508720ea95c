"""Statements of two branches that meet in rows which no scratch database holds, and those that do not."""

from __future__ import annotations

import pytest

from dbops.engine.scratch import Rows
from dbops.migrations.branch_rows import unshown

EMPTY = [{"public.users": Rows(0, ""), "public.roles": Rows(0, "")}]
MEET = {
    "one column": ("UPDATE users SET age = age * 2", "UPDATE public.users SET age = age + 1 WHERE id > 3"),
    "deleted by what is set": ("DELETE FROM users WHERE age IS NULL", "UPDATE users SET age = 0 WHERE age IS NULL"),
    "read from what is set": (
        "UPDATE users SET role = (SELECT name FROM roles WHERE roles.id = users.id)",
        'UPDATE roles SET "name" = lower("name")',
    ),
    "copied before or after": ("INSERT INTO old SELECT id, age FROM users", "UPDATE `users` SET `age` = 1"),
    "set in brackets": ("UPDATE users SET (age, email) = (1, 'x')", "UPDATE users SET email = NULL"),
}
APART = {
    "two columns": ("UPDATE users SET age = 1 WHERE age IS NULL", "UPDATE users SET email = 'x' WHERE email IS NULL"),
    "two tables": ("UPDATE users SET age = 1", "UPDATE roles SET age = 2"),
    "a text is no name": ("UPDATE users SET age = 1", "UPDATE users SET email = 'age'"),
    "added, and deleted": ("INSERT INTO users (id) VALUES (1)", "DELETE FROM roles"),
    "no rows": ("ALTER TABLE users ADD COLUMN n integer", "UPDATE users SET n = 1"),
}


@pytest.mark.parametrize("case", MEET)
def test_what_meets(case: str) -> None:
    one, other = MEET[case]
    assert unshown([one], [other], EMPTY)
    assert unshown([other], [one], EMPTY)


@pytest.mark.parametrize("case", APART)
def test_what_does_not(case: str) -> None:
    one, other = APART[case]
    assert unshown([one], [other], EMPTY) == ()


def test_rows_that_are_there_show_it_themselves() -> None:
    one, other = MEET["one column"]
    assert unshown([one], [other], [*EMPTY, {"public.users": Rows(3, "x")}]) == ()
