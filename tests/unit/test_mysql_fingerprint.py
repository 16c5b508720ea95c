"""What needs no server of MySQL's digests, definitions and files: forms of columns, printed texts, database.sql."""

from __future__ import annotations

import pytest

from dbops.engine.mysql import rowtext
from dbops.engine.mysql.accounts import Account, literal, of_definer, of_grantee, of_sql
from dbops.engine.mysql.columns import Column, Form, form_of
from dbops.engine.mysql.fingerprint import content, digest_of, digest_statement, row_text
from dbops.engine.mysql.flavour import MARIADB, MYSQL
from dbops.engine.mysql.objects import for_product, statements
from dbops.engine.mysql.printed import of_table, trigger_body, without_database, without_definer, without_status
from dbops.engine.mysql.settle import elsewhere, needed_accounts, sort_out
from dbops.errors import BadBackupError, DatabaseError


@pytest.mark.parametrize(
    ("data_type", "octets", "form"),
    [
        ("int", 0, Form.PLAIN),
        ("decimal", 0, Form.PLAIN),
        ("timestamp", 0, Form.PLAIN),
        ("float", 0, Form.FLOAT),
        ("bit", 0, Form.BITS),
        ("varchar", 255, Form.BYTES),
        ("varchar", 256, Form.DIGEST),
        ("varbinary", 20, Form.BYTES),
        ("binary", 256, Form.DIGEST),
        ("enum", 4000, Form.BYTES),
        ("tinytext", 255, Form.DIGEST),
        ("longblob", 4294967295, Form.DIGEST),
        ("json", 0, Form.DOCUMENT),
        ("uuid", 0, Form.PRINTED),
        ("point", 0, Form.DIGEST),
        ("a type of tomorrow", 0, Form.DIGEST),
    ],
)
def test_form_of_a_type(data_type: str, octets: int, form: Form) -> None:
    assert form_of(data_type, octets) is form


def test_virtual_and_period_columns_are_told_apart() -> None:
    virtual = Column("v", "int", "", 0, "VIRTUAL GENERATED, INVISIBLE", "now()")
    stored = Column("s", "int", "", 0, "STORED GENERATED", "`a` + 1")
    period = Column("p", "timestamp", "", 0, "STORED GENERATED, INVISIBLE", "ROW START")
    assert (virtual.virtual, virtual.generated, virtual.period) == (True, True, False)
    assert (stored.virtual, stored.generated, stored.period) == (False, True, False)
    assert (period.virtual, period.generated, period.period) == (False, False, True)


def test_statement_of_a_digest_quotes_names_and_tells_null() -> None:
    columns = [Column("a`b", "int", "", 0, "", ""), Column("c", "varchar", "utf8mb4", 40, "", "")]
    assert row_text(columns) == "CONCAT_WS(',', IFNULL(`a``b`, '-'), IFNULL(HEX(`c`), '-'))"
    assert digest_statement(columns, "FROM `t`").endswith(" FROM `t`")


def test_sum_is_taken_modulo_64_bits() -> None:
    assert digest_of((1 << 64) + 5) == digest_of(5) == "rows-sum64:0000000000000005"
    assert content("t", 0, None).digest == digest_of(0)


def test_a_row_without_text_is_an_error_however_many_others_there_are() -> None:
    most = (1 << 64) * 10**12
    with pytest.raises(DatabaseError, match="max_allowed_packet") as caught:
        content("t", 10**12, most - 10**38)
    assert caught.value.kind == "digest"


def test_row_as_a_line() -> None:
    values = [
        rowtext.text(b"a\tb\\c\nd"),
        None,
        rowtext.hexadecimal(b"\x00\xff"),
        rowtext.hexadecimal(b""),
        rowtext.text(b"\\N"),
    ]
    assert rowtext.line(values) == b"a\\tb\\\\c\\nd\t\\N\t0x00FF\t\t\\\\N\n"


# --- printed definitions ----------------------------------------------------------------------------------------------

TABLE = """CREATE TABLE `t` (
  `a` int(11) NOT NULL DEFAULT (1 + 2) COMMENT 'KEY `x` (`y`), )',
  `b` enum('(','''),KEY') DEFAULT NULL,
  PRIMARY KEY (`a`),
  UNIQUE KEY `u ``1` (`b`(3),`a` DESC) COMMENT 'a, b',
  FULLTEXT KEY `f` (`b`) /*!50100 WITH PARSER `ngram` */ ,
  KEY `w` (`b`),
  CONSTRAINT `c1` FOREIGN KEY (`a`) REFERENCES `t` (`a`) ON DELETE CASCADE,
  CONSTRAINT `c2` CHECK (`a` > 0 and `b` <> ',')
) ENGINE=InnoDB AUTO_INCREMENT=5 DEFAULT CHARSET=utf8mb4 COMMENT='UNION=(x) PARTITION BY' DATA DIRECTORY='/d/'
/*!50100 PARTITION BY RANGE (`a`)
(PARTITION p0 VALUES LESS THAN (5) ENGINE = InnoDB) */"""


def test_table_text_is_taken_apart() -> None:
    found = of_table(TABLE)
    assert found.keys == {
        "PRIMARY": "PRIMARY KEY (`a`)",
        "u `1": "UNIQUE KEY `u ``1` (`b`(3),`a` DESC) COMMENT 'a, b'",
        "f": "FULLTEXT KEY `f` (`b`) /*!50100 WITH PARSER `ngram` */",
        "w": "KEY `w` (`b`)",
    }
    assert list(found.foreign) == ["c1"]
    assert found.checks == {"c2": "CONSTRAINT `c2` CHECK (`a` > 0 and `b` <> ',')"}
    assert found.options == ""
    assert found.partitions == "RANGE (`a`)\n(PARTITION p0 VALUES LESS THAN (5) ENGINE = InnoDB)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select `shop`.`t`.`id` AS `id` from `shop`.`t`", "select `t`.`id` AS `id` from `t`"),
        ("from (`shop`.`a` `x` join `shop`.`b` `y` on(1))", "from (`a` `x` join `b` `y` on(1))"),
        ("`shop`.`twice`(1)", "`twice`(1)"),
        ("nextval(`shop`.`s`)", "nextval(`s`)"),
        ("select `shop`.`id` AS `id` from `shop`", "select `shop`.`id` AS `id` from `shop`"),
        ("select `shop`.`shop`.`id` from `shop`.`shop`", "select `shop`.`id` from `shop`"),
        ("select 'from `shop`.`t`' from `other`.`t`", "select 'from `shop`.`t`' from `other`.`t`"),
        ("(`shop`.`id` = 1)", "(`shop`.`id` = 1)"),
        ("from `old ``shop`.`t`", "from `t`"),
    ],
)
def test_the_databases_own_name_goes(text: str, expected: str) -> None:
    assert without_database(text, {"shop", "old `shop"}) == expected


def test_definer_and_status_go_and_nothing_else() -> None:
    view = "CREATE ALGORITHM=MERGE DEFINER=`a``@b`@`%` SQL SECURITY INVOKER VIEW `v` AS select 'DEFINER=`x`@`y` '"
    assert without_definer(view) == "CREATE ALGORITHM=MERGE SQL SECURITY INVOKER VIEW `v` AS select 'DEFINER=`x`@`y` '"
    assert without_definer('CREATE DEFINER="r"@"h" PACKAGE "p" AS') == 'CREATE PACKAGE "p" AS'
    assert without_definer("CREATE DEFINER=`role` PROCEDURE `p`()") == "CREATE PROCEDURE `p`()"
    event = (
        "CREATE EVENT `ON COMPLETION PRESERVE ENABLE` ON SCHEDULE EVERY 1 DAY ON COMPLETION NOT PRESERVE {} DO SET @a=1"
    )
    plain = without_status(event.format("ENABLE"))
    assert plain == event.format("").replace("  ", " ")
    for status in ("DISABLE", "DISABLE ON SLAVE", "DISABLE ON REPLICA"):
        assert without_status(event.format(status)) == plain


def test_trigger_without_its_head() -> None:
    assert (
        trigger_body("CREATE TRIGGER `db`.t before insert on x for  each\nrow SET @a = 'FOR EACH ROW'")
        == "SET @a = 'FOR EACH ROW'"
    )


def test_statements_are_one_products_own() -> None:
    assert (
        for_product("a\nb -- mysql\nc  -- mariadb\nd -- mysql has it\n", MYSQL) == "a\nb -- mysql\nd -- mysql has it\n"
    )
    for product in (MYSQL, MARIADB):
        kinds = [kind for kind, _ in statements(product)]
        assert kinds == sorted(kinds)
        assert {"table", "column", "grant", "owner"} <= set(kinds)


# --- accounts, database.sql -------------------------------------------------------------------------------------------


def test_accounts() -> None:
    assert of_definer("a@b@host") == Account("a@b", "host")
    assert of_grantee("'it's'@'%'") == Account("it's", "%")
    assert of_grantee("'role'@''").sql == "'role'"
    assert Account("it's", "%").sql == "'it''s'@'%'"
    for account in (Account("it's\n'@'\\", "10.%"), Account("role", ""), Account("a''b@c", "%"), Account("\\n", "h")):
        assert of_sql(account.sql) == account
    assert of_sql("no'thing") == Account("no'thing", "")
    assert literal("a\\b\n") == "'a\\\\b\\n'"


DATABASE = """-- What belongs to the database itself.
ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
ALTER DATABASE COMMENT 'it''s; GRANT ALL';
GRANT INSERT, SELECT ON * TO 'a'@'%' WITH GRANT OPTION;
GRANT SELECT (`c;1`, `d`), UPDATE ON `A ``b` TO 'role';
GRANT EXECUTE ON PACKAGE BODY `p` TO 'a'@'%';
"""


def test_database_sql_is_sorted_out_and_placed() -> None:
    found = sort_out(DATABASE, no_owner=False)
    assert [elsewhere(text, "x_`y") for text in (found.now[0], *found.at_swap)] == [
        "ALTER DATABASE `x_``y` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        "ALTER DATABASE `x_``y` COMMENT 'it''s; GRANT ALL'",
        "GRANT INSERT, SELECT ON `x\\_``y`.* TO 'a'@'%' WITH GRANT OPTION",
        "GRANT SELECT (`c;1`, `d`), UPDATE ON `x_``y`.`A ``b` TO 'role'",
        "GRANT EXECUTE ON PACKAGE BODY `x_``y`.`p` TO 'a'@'%'",
    ]
    # The comment twice: so that the copy has it when it is compared, and the live database in the end.
    assert found.now == ("ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", found.at_swap[0])
    assert [text[:5] for text in sort_out(DATABASE, no_owner=True).at_swap] == ["ALTER"]


@pytest.mark.parametrize(
    "text",
    [
        "DROP DATABASE x;",
        "GRANT ALL ON *.* TO 'a'@'%';",
        "GRANT SELECT ON `other`.`t` TO 'a'@'%';",
        "GRANT SELECT ON * TO 'a'@'%' IDENTIFIED BY 'x';",
        "GRANT SELECT ON * TO 'a'@'%'",
        "ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_bin; DROP TABLE t;",
        "\\! touch /tmp/x",
        "/* */ SELECT 1;",
    ],
)
def test_database_sql_with_anything_else_is_refused(text: str) -> None:
    with pytest.raises(BadBackupError):
        sort_out(text, no_owner=False)


def test_needed_accounts() -> None:
    text = """-- Accounts
CREATE USER IF NOT EXISTS 'a'@'%' ACCOUNT LOCK;
CREATE ROLE IF NOT EXISTS 'r';
GRANT 'r' TO 'a'@'%' WITH ADMIN OPTION;
GRANT SELECT, SHOW VIEW ON *.* TO 'a'@'%';
"""
    first, second = needed_accounts(text)
    assert first.name == "'a'@'%'"
    assert first.grants == ("GRANT 'r' TO 'a'@'%' WITH ADMIN OPTION", "GRANT SELECT, SHOW VIEW ON *.* TO 'a'@'%'")
    assert second == ("'r'", "CREATE ROLE IF NOT EXISTS 'r'", ())
    with pytest.raises(BadBackupError):
        needed_accounts("CREATE USER IF NOT EXISTS 'a'@'%' IDENTIFIED BY 'x';")
