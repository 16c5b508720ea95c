"""What is said of rows that the source holds against its own keys."""

from __future__ import annotations

from pathlib import Path

from dbops.engine.postgres import source_rows
from dbops.engine.postgres.tools import Tools


def test_where_there_is_no_query_there_is_no_empty_line_either(tmp_path: Path) -> None:
    told = source_rows.advice('could not create unique index "codes"', Tools(tmp_path, 17, "17.0"), tmp_path)
    assert "" not in told.split("\n")
