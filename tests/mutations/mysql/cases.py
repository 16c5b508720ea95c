"""The mutations: what is done to a good backup, and what the drill must say of it. See `mutation.Mutation`."""

from __future__ import annotations

import re
from itertools import cycle

from tests.mutations.mutation import Mutation
from tests.mutations.rounds import Case

ODD = "`a ``table`` of %s; --`"
MYSQL, MARIADB = "mysql", "mariadb"
KINDS = ("kinds", "sorts", "breeds", "classes")
"""Equal tables with a column of every type: a change of one of them leaves three for others in the same drill."""
TABLES = (*KINDS, "customers", "invoices", "events", "places", "counted", "ticket", "ages", "documents")
_WORD = re.compile(r"\w+")


def _kind(name: str, change: str, row: int, *, only: str = "", where: str = "kinds") -> Mutation:
    """One value of one row."""
    return Mutation(name, f"UPDATE {where} SET {change} WHERE id = {row}", f"{where} id='{row}'", only=only)


ROWS = (
    Mutation("missing table", "DROP TABLE events", "events"),
    Mutation("missing row", "DELETE FROM events WHERE what = 'event 7'", "event 7", of="events"),
    Mutation(
        "duplicated row", "INSERT INTO events SELECT * FROM events WHERE what = 'event 7'", "event 7", of="events"
    ),
    Mutation(
        "one row for another", "UPDATE events SET what = 'event 8' WHERE what = 'event 7'", "event 7", of="events"
    ),
    Mutation(
        "row in another partition", "UPDATE events SET at = '2026-02-03' WHERE what = 'event 7'", "event 7", of="events"
    ),
    _kind("one changed value", "total = total + 0.01", 17, where="invoices"),
    _kind("NULL turned into ''", "note = ''", 5, where="customers"),
    _kind("'' turned into NULL", "note = NULL", 6, where="customers"),
    _kind("letter case", "first_name = LOWER(first_name)", 7, where="customers"),
    _kind("space at the end", "first_name = CONCAT(first_name, ' ')", 7, where="customers"),
    _kind(
        "wrong encoding",
        "first_name = CONVERT(BINARY CONVERT(first_name USING utf8mb4) USING latin1)",
        9,
        where="customers",
    ),
    _kind("four-byte character lost", "biography = REPLACE(biography, '😀', '?')", 9, where="customers"),
    Mutation(
        "swapped columns",
        "CREATE TABLE kept AS SELECT id, first_name, last_name FROM customers WHERE id = 11; "
        "UPDATE customers c JOIN kept k ON c.id = k.id SET c.first_name = k.last_name, c.last_name = k.first_name, "
        "c.note = 'x'; DROP TABLE kept",
        "customers id='11'",
    ),
    Mutation(
        "swapped column names",
        "ALTER TABLE customers CHANGE first_name x VARCHAR(40) NOT NULL; "
        "ALTER TABLE customers CHANGE last_name first_name VARCHAR(40) NOT NULL; "
        "ALTER TABLE customers CHANGE x last_name VARCHAR(40) NOT NULL",
        "customers",
    ),
    Mutation("row of an odd table", f"UPDATE {ODD} SET `Ünïcode` = 'x' WHERE id = 3", "a `table` of %s; --"),
    Mutation("emptied table", "DELETE FROM events", "events"),
    Mutation(
        "emptied database",
        "SET foreign_key_checks = 0; DROP VIEW open_invoices, owned; "
        f"DROP TABLE customers, invoices, events, kinds, sorts, breeds, classes, places, counted, {ODD}; "
        "DROP PROCEDURE tidy; DROP FUNCTION twice; DROP EVENT nightly",
        "customers",
        alone=True,
    ),
)

VALUES = (
    _kind("float", "f = f + 0.001", 2),
    _kind("double", "d = d + 5.551115123125783e-17", 1),
    Mutation("minus zero", "UPDATE kinds SET d = -0e0 WHERE id = 8", "kinds id='8'", only=MYSQL, copy_only=True),
    Mutation("float by its last bit", "UPDATE kinds SET f = 0.50000006 WHERE id = 2", "kinds id='2'", copy_only=True),
    _kind("decimal", "n = n + 0.000001", 1),
    _kind("timestamp", "at = at + INTERVAL 1 MICROSECOND", 2),
    _kind("timestamp by an hour", "at = at + INTERVAL 1 HOUR", 2),
    _kind("datetime", "local = local + INTERVAL 1000 MICROSECOND", 2),
    _kind("date", "day = day + INTERVAL 1 DAY", 2),
    _kind("zero date turned into NULL", "day = NULL", 7),
    _kind("date turned into zero", "day = '0000-00-00'", 2),
    _kind("time", "span = ADDTIME(span, '00:00:00.01')", 2),
    _kind("year", "y = y + 1", 2),
    _kind("json", "j = JSON_SET(j, '$.list[1]', 0)", 3),
    _kind("json text", "j = JSON_SET(j, '$.text', 'e \"q\"')", 3),
    _kind("bits", "bits = bits + 1", 4),
    _kind("enum", "mood = 'happy'", 6),
    _kind("set", "tags = 'a,b'", 6),
    _kind("varbinary", "bytes = UNHEX(CONCAT('00', SUBSTR(HEX(bytes), 3)))", 5),
    _kind("binary", "fixed = UNHEX('0000000000000000')", 5),
    _kind("blob", "picture = CONCAT(picture, UNHEX('00'))", 5),
    _kind("unsigned bigint", "big = big - 1", 5),
    _kind("tinyint", "small = -small", 5),
    _kind("boolean", "flag = NOT flag", 5),
    _kind("geometry", "place = ST_GeomFromText('POINT(5 2.6)')", 5),
    _kind("latin1 text", "old = 'e5'", 5),
    _kind("utf8mb3 text", "three = 'u5'", 5),
    _kind("long text", "words = REPLACE(words, '5', '6')", 5),
    _kind("inet6", "address = '::3'", 1, where="ages", only=MARIADB),
    _kind("uuid", "code = '123e4567-e89b-12d3-a456-426614174001'", 1, where="ages", only=MARIADB),
    _kind("json number", "doc = JSON_SET(doc, '$.n', 1.5)", 1, where="documents", only=MYSQL),
    _kind("invisible column", "hidden = 8", 2, where="documents", only=MYSQL),
    Mutation(
        "reference system of a geometry",
        "ALTER TABLE documents MODIFY place POINT NOT NULL SRID 4326; "
        "UPDATE documents SET place = ST_SwapXY(place) WHERE id = 2",
        "documents id='2'",
        only=MYSQL,
    ),
    Mutation("history lost", "DELETE HISTORY FROM ages", "ages", only=MARIADB),
    Mutation(
        "history changed",
        "SET @@system_versioning_insert_history = 1; INSERT INTO ages (id, v, row_start, row_end) "
        "VALUES (9, 9, '2026-01-01 10:00:00', '2026-01-01 11:00:00')",
        "ages",
        only="mariadb11",
    ),
)

OBJECTS = (
    Mutation("missing index", "ALTER TABLE invoices DROP KEY by_total", "by_total"),
    Mutation("changed index", "ALTER TABLE invoices DROP KEY by_total, ADD KEY by_total (total, id)", "by_total"),
    Mutation("missing unique index", "ALTER TABLE customers DROP KEY by_email", "by_email"),
    Mutation(
        "unique index that is none", "ALTER TABLE customers DROP KEY by_email, ADD KEY by_email (email)", "by_email"
    ),
    Mutation("missing fulltext index", "ALTER TABLE customers DROP KEY words", "words"),
    Mutation("missing spatial index", "ALTER TABLE places DROP KEY by_spot", "by_spot"),
    Mutation("missing functional index", "ALTER TABLE documents DROP KEY by_name", "by_name", only=MYSQL),
    Mutation("visible index", "ALTER TABLE documents ALTER INDEX unseen VISIBLE", "unseen", only=MYSQL),
    Mutation("missing foreign key", "ALTER TABLE invoices DROP FOREIGN KEY invoices_customer", "invoices_customer"),
    Mutation(
        "changed foreign key",
        "ALTER TABLE invoices DROP FOREIGN KEY invoices_customer; "
        "ALTER TABLE invoices ADD CONSTRAINT invoices_customer FOREIGN KEY (customer_id) REFERENCES customers (id)",
        "invoices_customer",
    ),
    Mutation("missing check", "ALTER TABLE invoices DROP CONSTRAINT invoices_total", "invoices_total"),
    Mutation("check that is enforced", "ALTER TABLE documents ALTER CHECK lax ENFORCED", "lax", only=MYSQL),
    Mutation("missing primary key", "ALTER TABLE kinds DROP PRIMARY KEY", "kinds"),
    Mutation("missing NOT NULL", "ALTER TABLE customers MODIFY first_name VARCHAR(40)", "customers.first_name"),
    Mutation("missing trigger", "DROP TRIGGER touch", "touch"),
    Mutation(
        "triggers in another order",
        "DROP TRIGGER second_touch; CREATE TRIGGER second_touch BEFORE UPDATE ON customers FOR EACH ROW PRECEDES touch "
        "SET NEW.code = NEW.code",
        "touch",
    ),
    Mutation("missing function", "DROP FUNCTION twice", "twice"),
    Mutation(
        "changed function",
        "DROP FUNCTION twice; CREATE FUNCTION twice (n INT) RETURNS INT DETERMINISTIC RETURN n * 3",
        "twice",
    ),
    Mutation("missing procedure", "DROP PROCEDURE tidy", "tidy"),
    Mutation(
        "sql_mode of a routine",
        "SET sql_mode = 'ANSI_QUOTES'; DROP PROCEDURE tidy; CREATE PROCEDURE tidy () "
        "DELETE FROM events WHERE at < '2000-01-01'",
        "tidy",
    ),
    Mutation("rights of a routine's caller", "ALTER PROCEDURE tidy SQL SECURITY INVOKER", "tidy"),
    Mutation("missing view", "DROP VIEW open_invoices", "open_invoices"),
    Mutation(
        "changed view",
        "CREATE OR REPLACE VIEW open_invoices AS SELECT * FROM invoices WHERE total > 99",
        "open_invoices",
    ),
    Mutation(
        "another definer",
        "ALTER DEFINER = 'reader'@'%' SQL SECURITY INVOKER VIEW owned AS SELECT id FROM customers",
        "owned",
    ),
    Mutation(
        "rights of a view's caller",
        "ALTER DEFINER = 'owner'@'%' SQL SECURITY DEFINER VIEW owned AS SELECT id FROM customers",
        "owned",
    ),
    Mutation("missing event", "DROP EVENT nightly", "nightly"),
    Mutation("changed event", "ALTER EVENT nightly ON SCHEDULE EVERY 2 DAY STARTS '2035-01-01 00:00:00'", "nightly"),
    Mutation("disabled event", "ALTER EVENT nightly DISABLE", "nightly"),
    Mutation("AUTO_INCREMENT reset", "ALTER TABLE counted AUTO_INCREMENT = 1", "counted"),
    Mutation("AUTO_INCREMENT gone", "ALTER TABLE counted MODIFY id INT", "counted"),
    Mutation(
        "missing sequence", "ALTER TABLE ticket ALTER id DROP DEFAULT; DROP SEQUENCE tickets", "tickets", only=MARIADB
    ),
    Mutation("sequence reset", "ALTER SEQUENCE tickets RESTART 100", "tickets", only=MARIADB),
    Mutation("changed sequence", "ALTER SEQUENCE tickets INCREMENT BY 1", "tickets", only=MARIADB),
    Mutation("no system versioning", "ALTER TABLE ages DROP SYSTEM VERSIONING", "ages", only=MARIADB),
    Mutation("missing comment", "ALTER TABLE invoices COMMENT = ''", "invoices"),
    Mutation(
        "missing comment of a column",
        "ALTER TABLE customers MODIFY mood ENUM('sad','ok','happy') DEFAULT 'ok'",
        "customers.mood",
    ),
    Mutation("missing default", "ALTER TABLE customers ALTER mood DROP DEFAULT", "customers.mood"),
    Mutation("missing ON UPDATE", "ALTER TABLE customers MODIFY seen TIMESTAMP NULL DEFAULT NULL", "customers.seen"),
    Mutation("no generated column", "ALTER TABLE invoices MODIFY gross DECIMAL(14,4)", "invoices.gross"),
    Mutation(
        "another expression",
        "ALTER TABLE invoices DROP COLUMN due; ALTER TABLE invoices ADD due INT AS (customer_id * 3) VIRTUAL",
        "invoices.due",
    ),
    Mutation("another column type", "ALTER TABLE customers MODIFY note VARCHAR(200)", "customers.note"),
    Mutation("another label of an enum", "ALTER TABLE kinds MODIFY mood ENUM('blue','ok','happy')", "kinds.mood"),
    Mutation("scale of a decimal", "ALTER TABLE kinds MODIFY n DECIMAL(20,7)", "kinds"),
    Mutation("another collation of a column", "ALTER TABLE customers MODIFY code VARCHAR(20)", "customers.code"),
    Mutation(
        "another charset of a column", "ALTER TABLE kinds MODIFY old VARCHAR(20) CHARACTER SET utf8mb4", "kinds.old"
    ),
    Mutation(
        "another charset of a table",
        "ALTER TABLE events CHARACTER SET latin1, MODIFY what VARCHAR(40) CHARACTER SET utf8mb4",
        "events",
    ),
    Mutation("another engine", "ALTER TABLE places ENGINE = MyISAM", "places"),
    Mutation("missing partition", "ALTER TABLE events REMOVE PARTITIONING", "events"),
    Mutation(
        "changed partition",
        "ALTER TABLE events REORGANIZE PARTITION new INTO (PARTITION newer VALUES LESS THAN (MAXVALUE))",
        "events",
    ),
    Mutation("order of columns", "ALTER TABLE customers MODIFY note VARCHAR(100) AFTER code", "customers"),
    Mutation("extra table", "CREATE TABLE more (id INT PRIMARY KEY)", "more"),
    Mutation("extra trigger", "CREATE TRIGGER more BEFORE INSERT ON counted FOR EACH ROW SET NEW.what = 'x'", "more"),
)

MUTATIONS = ROWS + VALUES + OBJECTS


def cases(server: str, *, copy: bool) -> list[Case[str]]:
    """The mutations of a server, to be done to the source before a backup, or (`copy`) to the restored copy."""
    there = (
        mutation for mutation in MUTATIONS if server.startswith(mutation.only) and (copy or not mutation.copy_only)
    )
    tables = cycle(KINDS)
    return [_case(mutation, copy, next(tables)) for mutation in there]


def _case(mutation: Mutation, copy: bool, table: str) -> Case[str]:
    """What is done to the table `kinds` is done to `table`, which is like it."""

    def moved(text: str) -> str:
        return text if mutation.alone else re.sub(r"\bkinds\b", table, text)

    script, named = moved(mutation.script), moved(mutation.named if copy else mutation.table)
    tables = frozenset(_WORD.findall(script)) & {*TABLES}
    whole = bool(mutation.of) or named.partition(" id=")[0] in (*TABLES, "a `table` of %s; --")
    return Case(mutation.name, named, script, mutation.alone, tables if whole else frozenset(), tables)
