"""The digest of a table's rows as SQL: `rows-sum64`, which does not hang on the order of the rows.

Each row becomes one text, its values in the order of the columns with a comma between them (`columns.Form`: a value's
text never holds a comma, and none but NULL is `-`). 64 bits of the SHA-256 of that text are summed over all rows; XOR
would not do, since equal rows cancel. The sum is an exact DECIMAL and is taken modulo 2**64 here.

What dump programs print is not always the value: six digits of a FLOAT, no server takes `-0` for minus zero, and a
DECIMAL in a JSON document of MySQL comes back as a DOUBLE (`json_numbers`). The digest that a copy is to have is
therefore taken of what comes back (`as_dumped`).

A text longer than max_allowed_packet is NULL, with a mere warning, and a sum passes over NULL. So each NULL adds a
number so low that the sum cannot be positive: the texts of rows are made once, not once more to be counted.
"""

from __future__ import annotations

from collections.abc import Sequence

from dbops.engine.base import Content
from dbops.engine.mysql.columns import Column, Form
from dbops.engine.mysql.statements import identifier
from dbops.errors import DatabaseError
from dbops.language import msg

KIND = "rows-sum64"
NULL_TEXT = "-"
_MASK = (1 << 64) - 1
# Beyond 2**64 times the rows of any table, and with that many rows still within the 65 digits of a DECIMAL.
_NO_TEXT = -(10**38)
_TEXT = "CAST({} AS CHAR CHARACTER SET utf8mb4)"
_VALUES = {
    Form.PLAIN: "{}",  # printed by IFNULL: the whole digest takes a fifth less than with CAST
    # Not + 0e0, which takes the sign from -0; CAST(… AS DOUBLE) is not known to every version.
    Form.FLOAT: "CAST({} * 1e0 AS CHAR)",
    Form.BITS: "CAST(CAST({} AS UNSIGNED) AS CHAR)",
    Form.BYTES: "HEX({})",
    Form.PRINTED: "HEX(CAST({} AS CHAR))",
    Form.DIGEST: "SHA2({}, 256)",
    Form.DOCUMENT: f"SHA2({_TEXT}, 256)",
}
_DOUBLE = "CAST({} AS CHAR)"
_NO_MINUS = "IF({0} = 0, TRIM(LEADING '-' FROM {1}), {1})"
_PRINTED_FLOAT = "CAST(CAST({} AS CHAR) AS FLOAT)"


def row_text(columns: Sequence[Column], *, as_dumped: bool = False) -> str:
    """The SQL expression of a row's text."""
    values = [f"IFNULL({_value(column, as_dumped=as_dumped)}, '{NULL_TEXT}')" for column in columns]
    return f"CONCAT_WS(',', {', '.join(values)})"


def _value(column: Column, *, as_dumped: bool) -> str:
    name = identifier(column.name)
    pattern = _DOUBLE if column.data_type == "double" else _VALUES[column.form]
    if as_dumped and column.form is Form.DOCUMENT:
        return pattern.format(f"CAST({_TEXT.format(name)} AS JSON)")
    if not as_dumped or column.data_type not in ("float", "double"):
        return pattern.format(name)
    value = _PRINTED_FLOAT.format(name) if column.form is Form.FLOAT else name
    return _NO_MINUS.format(name, pattern.format(value))


def digest_statement(columns: Sequence[Column], rows: str, *, as_dumped: bool = False) -> str:
    """Gives one row: the number of rows and the sum, as `content` takes them. `rows` is `FROM …`; needs a column.

    `as_dumped`: of the values that a dump brings back, where its text cannot hold the table's own.
    """
    number = f"CAST(CONV(LEFT(SHA2({row_text(columns, as_dumped=as_dumped)}, 256), 16), 16, 10) AS UNSIGNED)"
    return f"SELECT COUNT(*), SUM(IFNULL({number}, {_NO_TEXT})) {rows}"


def content(table: str, rows: int, total: int | None) -> Content:
    """What the statement gave. `DatabaseError` if the text of a row was too long for the server."""
    if total is not None and total < 0:
        raise DatabaseError(
            msg(
                "no digest of {table}: the text of some of its rows is longer than the server's max_allowed_packet",
                table=table,
            ),
            hint=msg("raise max_allowed_packet on the server to 16 MB or more"),
            kind="digest",
        )
    return Content(rows, digest_of(total or 0))


def digest_of(total: int) -> str:
    """The digest of rows whose 64-bit numbers sum up to `total`."""
    return f"{KIND}:{total & _MASK:016x}"
