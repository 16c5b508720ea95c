"""How a table's rows are read as text: what is selected, and how each value is then written (see `rowtext`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dbops.engine.mysql import rowtext
from dbops.engine.mysql.columns import Column, Form
from dbops.engine.mysql.statements import identifier

_BINARY_FORMS = (Form.BITS, Form.DIGEST, Form.BYTES)


def selected(columns: Sequence[Column]) -> str:
    """The list of a SELECT that gives each column as bytes."""
    return ", ".join("''" if column.generated else _as_bytes(column) for column in columns)


def _binary(column: Column) -> bool:
    return column.form in _BINARY_FORMS and not column.text


def writer(column: Column) -> Callable[[bytes], bytes]:
    """How a value of the column, as bytes, is written."""
    if column.generated:
        return lambda _: rowtext.GENERATED
    if column.form is Form.FLOAT:
        return rowtext.single
    return rowtext.hexadecimal if _binary(column) else rowtext.text


def _as_bytes(column: Column) -> str:
    """A column's value as bytes in the driver, whatever the driver would make of its type."""
    name = identifier(column.name)
    if column.form is Form.FLOAT:
        name = f"{name} * 1e0"  # all of its digits
    if _binary(column):
        return f"CAST({name} AS BINARY)" if column.data_type == "vector" else name
    if column.text:
        return f"CONVERT(CONVERT({name} USING utf8mb4) USING binary)"
    return f"CONVERT(CAST({name} AS CHAR CHARACTER SET utf8mb4) USING binary)"
