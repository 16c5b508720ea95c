"""What a column is: as `information_schema` describes it, and how its values are told apart in a digest."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

SHORT_BYTES = 255
"""Up to so many bytes that a column may hold, its values stand in a row's text; of longer ones their own digest."""


class Form(Enum):
    """How a value stands in the text of a row whose digest is taken; NULL is `-` in every form."""

    PLAIN = "plain"
    """As the server prints it: integers, decimals, DOUBLE, dates and times, years."""
    FLOAT = "float"
    """As the DOUBLE of the same value prints: FLOAT itself prints six digits of its seven to nine."""
    BITS = "bits"
    """As an unsigned number."""
    BYTES = "bytes"
    """Upper-case HEX of the stored bytes: what a text holds cannot be taken for the comma between two values."""
    PRINTED = "printed"
    """Upper-case HEX of the printed text: types that are stored in another way."""
    DIGEST = "digest"
    """Lower-case HEX of the SHA-256 of the stored bytes: the text of a row has a limit (max_allowed_packet)."""
    DOCUMENT = "document"
    """The same of the printed text in utf8mb4: JSON of MySQL, whose stored form is binary."""


_PLAIN = frozenset(
    "tinyint smallint mediumint int bigint decimal double year date time datetime timestamp".split()  # noqa: SIM905
)
_PRINTED = frozenset({"uuid", "inet4", "inet6"})
_SHORT = frozenset({"char", "varchar", "binary", "varbinary"})
_TEXTS = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set"})
_VIRTUAL, _STORED = "VIRTUAL GENERATED", "STORED GENERATED"
_PERIOD = ("ROW START", "ROW END")


def form_of(data_type: str, octets: int) -> Form:
    """`data_type` is the bare name of the type in lower case, `octets` how many bytes a value may have: the length of a
    CHAR or VARCHAR times the most bytes of a character in its character set. A type that is not known is taken by its
    stored bytes."""
    if data_type in _PLAIN:
        return Form.PLAIN
    if data_type in ("enum", "set") or (data_type in _SHORT and octets <= SHORT_BYTES):
        return Form.BYTES
    if data_type in _PRINTED:
        return Form.PRINTED
    return {"float": Form.FLOAT, "bit": Form.BITS, "json": Form.DOCUMENT}.get(data_type, Form.DIGEST)


class Column(NamedTuple):
    """A column of a table, from `information_schema.columns`."""

    name: str
    data_type: str
    """Without length and attributes: `varchar`, `int`."""
    charset: str
    """Empty where values are no text."""
    octets: int
    """The most bytes of a value, 0 where that is no matter of it."""
    extra: str
    expression: str

    @property
    def form(self) -> Form:
        return form_of(self.data_type, self.octets)

    @property
    def text(self) -> bool:
        """Whether a value is text in a character set."""
        return self.data_type in _TEXTS

    @property
    def generated(self) -> bool:
        """Whether the server computes it: no dump holds its values."""
        return self.virtual or (_STORED in self.extra and not self.period)

    @property
    def virtual(self) -> bool:
        """Whether its values are not stored: they are no part of a row, and MariaDB lets them be others every time, as
        those of `NOW()` are."""
        return _VIRTUAL in self.extra

    @property
    def period(self) -> bool:
        """Whether it says since when, or until when, a row of a system-versioned table is the current one."""
        return self.expression.upper() in _PERIOD

    @property
    def automatic(self) -> bool:
        return "auto_increment" in self.extra.lower()


PERIOD_COLUMNS = tuple(
    Column(name, "timestamp", "", 0, _STORED, expression)
    for name, expression in zip(("row_start", "row_end"), _PERIOD, strict=True)
)
"""Those of a system-versioned table that was made without naming any: they show nowhere, and can be read."""
