"""Which dump program is taken for which server, and what it is run with."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbops.command import running
from dbops.engine.mysql import ddl, tools
from dbops.engine.mysql import plan as plans
from dbops.engine.mysql.census import MARKS, Census
from dbops.engine.mysql.flavour import MARIADB, MYSQL, Version
from dbops.engine.mysql.launch import Run
from dbops.engine.mysql.packing import packer
from dbops.engine.mysql.rights import Rights
from dbops.engine.mysql.tools import Tool, for_server, installed
from dbops.errors import ConfigError, PreflightError

SAYS = {
    "mysql97": "mysqldump  Ver 9.7.4-2 for Linux on x86_64 ((Debian))",
    "mysql80": "mysqldump  Ver 8.0.43 for Linux on x86_64 (MySQL Community Server - GPL)",
    "mysql57": "mysqldump  Ver 10.13 Distrib 5.7.44, for Linux (x86_64)",
    "maria1011": "mariadb-dump  Ver 10.19 Distrib 10.11.14-MariaDB, for debian-linux-gnu (x86_64)",
    "maria118": "/usr/bin/mariadb-dump from 11.8.3-MariaDB, client 10.20 for debian-linux-gnu (x86_64)",
    "maria106": "mysqldump  Ver 10.19 Distrib 10.6.18-MariaDB, for Linux (x86_64)",
}
IS = {
    "mysql97": ("mysql", (9, 7, 4)),
    "mysql80": ("mysql", (8, 0, 43)),
    "mysql57": ("mysql", (5, 7, 44)),
    "maria1011": ("mariadb", (10, 11, 14)),
    "maria118": ("mariadb", (11, 8, 3)),
    "maria106": ("mariadb", (10, 6, 18)),
}


def program(folder: Path, says: str, name: str = "mysqldump", knows: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\ncase \"$*\" in *--version*) echo '{says}';; *) echo '{knows}';; esac\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("which", SAYS)
def test_a_program_is_known_by_what_it_says_of_itself(tmp_path: Path, which: str) -> None:
    """And not by its name: `mysqldump` is MariaDB's on many systems."""
    path = program(tmp_path, SAYS[which])
    (tool,) = installed(tmp_path)
    assert (tool.path, tool.flavour, tuple(tool.version)) == (path, *IS[which])


def test_a_program_with_two_names_is_asked_once(tmp_path: Path) -> None:
    path = program(tmp_path / "bin", SAYS["maria118"], "mariadb-dump")
    asked = tmp_path / "asked"
    path.write_text(path.read_text().replace("#!/bin/sh\n", f"#!/bin/sh\necho once >> '{asked}'\n"))
    (path.parent / "mysqldump").symlink_to(path.name)
    assert [tool.path for tool in installed(path.parent)] == [path]
    assert asked.read_text() == "once\n"


def test_a_link_to_itself_is_no_program(tmp_path: Path) -> None:
    (tmp_path / "mariadb-dump").symlink_to("mariadb-dump")
    program(tmp_path, SAYS["mysql97"])
    assert [tool.flavour for tool in installed(tmp_path)] == ["mysql"]


def made(*which: str) -> list[Tool]:
    return [Tool(Path(f"/{name}/mysqldump"), IS[name][0], Version(*IS[name][1])) for name in which]


@pytest.mark.parametrize(
    ("flavour", "version", "taken"),
    [
        (MYSQL, Version(8, 0, 30), "mysql80"),
        (MYSQL, Version(8, 0, 99), "mysql80"),  # the same series, whatever the patch
        (MYSQL, Version(8, 4, 3), "mysql97"),  # a newer one
        (MARIADB, Version(10, 11, 2), "maria1011"),
        (MARIADB, Version(10, 6, 1), "maria106"),
        (MARIADB, Version(11, 4, 5), "maria118"),
    ],
)
def test_the_same_series_or_the_next(flavour: object, version: Version, taken: str) -> None:
    tool = for_server(MYSQL if flavour is MYSQL else MARIADB, version, made(*SAYS))
    assert tool.path == Path(f"/{taken}/mysqldump")


@pytest.mark.parametrize(
    ("flavour", "version", "have", "kind", "said"),
    [
        (MYSQL, Version(9, 7, 4), ["mysql80"], "tool-too-old", "MySQL 9.7"),
        (MYSQL, Version(8, 0, 1), ["mysql57", "maria118"], "tool-too-old", "MySQL 8.0"),
        (MYSQL, Version(8, 0, 1), ["maria1011", "maria118"], "tool-missing", "of MySQL is here"),
        (MARIADB, Version(10, 11, 1), ["mysql97"], "tool-missing", "of MariaDB is here"),
        (MARIADB, Version(11, 8, 1), ["maria1011"], "tool-too-old", "MariaDB 11.8"),
        (MARIADB, Version(10, 6, 1), [], "tool-missing", "found: none"),
    ],
)
def test_neither_an_older_one_nor_the_other_product(
    flavour: object, version: Version, have: list[str], kind: str, said: str
) -> None:
    with pytest.raises(PreflightError, match=said) as caught:
        for_server(MYSQL if flavour is MYSQL else MARIADB, version, made(*have))
    assert caught.value.kind == kind
    assert "install the client programs of" in caught.value.hint


def test_a_folder_without_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PreflightError) as caught:
        installed(tmp_path)
    assert caught.value.kind == "tool-missing"
    broken = program(tmp_path, "nothing that is known")
    assert broken.exists()
    tools._probe.cache_clear()
    with pytest.raises(PreflightError):
        installed(tmp_path)


def test_only_options_that_the_program_has(tmp_path: Path) -> None:
    bare = Tool(program(tmp_path / "a", SAYS["mysql57"], knows="--routines"), "mysql", Version(5, 7))
    able = Tool(
        program(
            tmp_path / "b",
            SAYS["mysql97"],
            knows="--set-gtid-purged[=name] --column-statistics --no-tablespaces --network-timeout",
        ),
        "mysql",
        Version(9, 7),
    )
    wanted = {"--set-gtid-purged=OFF", "--column-statistics=0", "--no-tablespaces", "--network-timeout"}
    assert not wanted & set(plans.plan(bare, jobs=1, compression="").argv)
    assert wanted <= set(plans.plan(able, jobs=1, compression="").argv)


def test_what_every_dump_is_run_with(tmp_path: Path) -> None:
    tool = Tool(program(tmp_path, SAYS["maria118"], knows="--dump-history"), "mariadb", Version(11, 8))
    argv = set(plans.plan(tool, jobs=1, compression="").argv)
    assert {"--single-transaction", "--hex-blob", "--routines", "--events", "--triggers", "--quick"} <= argv
    assert {"--default-character-set=utf8mb4", "--skip-add-locks", "--skip-lock-tables"} <= argv
    assert "--force" not in argv
    assert "--dump-history" not in argv
    assert "--dump-history" in plans.plan(tool, jobs=1, compression="", history=True).argv


def test_a_plan_names_its_format_and_compression(tmp_path: Path) -> None:
    tool = Tool(program(tmp_path, SAYS["mysql80"]), "mysql", Version(8, 0))
    one, two = plans.plan(tool, jobs=1, compression=""), plans.plan(tool, jobs=4, compression="gzip:6")
    assert (one.format, one.compression, two.format, two.compression) == ("sql", "zstd:1", "sql-parts", "gzip:6")
    for wrong in ("zstd", "zstd:20", "gzip:0", "lz4:1", "none:1"):
        with pytest.raises(ConfigError):
            plans.plan(tool, jobs=1, compression=wrong)


def test_parts_hold_each_table_once_and_are_of_one_size(tmp_path: Path) -> None:
    tool = Tool(program(tmp_path, SAYS["mysql80"]), "mysql", Version(8, 0))
    plan = plans.plan(tool, jobs=3, compression="")
    tables = [(f"t{number}", size) for number, size in enumerate([900, 500, 400, 300, 300, 200, 100, 0, 0])]
    cut = plans.parts(plan, "db", tables, [name for name, _ in tables])
    assert [part.name for part in cut] == ["schema", "data-01", "data-02", "data-03", "after"]
    assert [part.rows for part in cut] == [False, True, True, True, False]
    data = [part.tables for part in cut if part.rows]
    assert sorted(name for share in data for name in share) == [name for name, _ in tables]
    sizes = [sum(dict(tables)[name] for name in share) for share in data]
    assert max(sizes) <= 1000
    assert sizes == sorted(sizes, reverse=True)
    assert [part.name for part in plans.parts(plan, "db", [], [])] == ["schema", "after"]
    assert [part.name for part in plans.parts(plan, "db", [("only", 1)], ["only"])] == ["schema", "data-01", "after"]
    many = [f"{number}" + "x" * 60 for number in range(20_000)]
    with pytest.raises(ConfigError, match="jobs = 1"):
        plans.parts(plan, "db", [(name, 1) for name in many], many)


def left_out(part: plans.Part) -> list[str]:
    prefix = "--ignore-table=a.b."
    return [option.removeprefix(prefix) for option in part.options if option.startswith(prefix)]


def test_a_share_leaves_out_all_that_is_not_its_own(tmp_path: Path) -> None:
    tool = Tool(program(tmp_path, SAYS["mysql80"]), "mysql", Version(8, 0))
    plan = plans.plan(tool, jobs=2, compression="")
    schema, one, two, after = plans.parts(plan, "a.b", [("x", 2), ("y", 1)], ["v", "x", "w", "y"], ["w"])
    assert [left_out(part) for part in (schema, one, two, after)] == [["w"], ["v", "w", "y"], ["v", "x", "w"], ["w"]]
    assert not one.named
    assert not two.named


@pytest.mark.parametrize("jobs", [1, 2])
def test_no_table_is_lost_with_a_view_that_is_left_out(tmp_path: Path, jobs: int) -> None:
    plan = plans.plan(Tool(program(tmp_path, SAYS["mysql80"]), "mysql", Version(8, 0)), jobs=jobs, compression="")
    plans.parts(plan, "db", [("old", 1)], ["old", "V"], ["V"])
    with pytest.raises(PreflightError, match="v would be left out with it"):
        plans.parts(plan, "db", [("v", 1)], ["v", "V"], ["V"])


@pytest.mark.parametrize(
    ("own", "other", "named"),
    [
        ("foo", "Foo", True),
        ("año", "AñO", True),
        ("é", "©", True),  # their first bytes are letters to it, À and Â
        ("表", "顨", True),
        ("é", "e", False),
        ("ß", "ss", False),
        ("foo", "foo_", False),
    ],
)
@pytest.mark.parametrize("kind", ["table", "view"])
def test_a_share_is_named_where_its_names_are_as_good_as_others(
    tmp_path: Path, own: str, other: str, named: bool, kind: str
) -> None:
    tool = Tool(program(tmp_path, SAYS["mysql80"]), "mysql", Version(8, 0))
    plan = plans.plan(tool, jobs=2, compression="")
    tables = [(own, 2), (other, 1)] if kind == "table" else [(own, 2)]
    data = [part for part in plans.parts(plan, "a.b", tables, [own, other]) if part.rows]
    assert [(part.named, left_out(part)) for part in data] == [
        (named, [] if named else [name for name in (own, other) if name not in part.tables]) for part in data
    ]


@pytest.mark.parametrize(
    "line", ["-- Starting ********...", "-- ******** transaction...", "-- ********ing to db...", ""]
)
def test_a_line_with_a_masked_password_does_not_open_the_moment(line: str) -> None:
    run = Run(plans.Part("", ()), ["table"])
    with running(["sleep", "60"]) as run.process:
        run.hear(line)
        assert not run.begun()
        run.hear("-- Retrieving ******** structure for ******** x...")
        assert run.begun()
    assert run.tables == 1


@pytest.mark.parametrize("size", [1, 2, 3, 7, 18, 19, 20, 21, 1000])
def test_a_census_counts_across_pieces(size: int) -> None:
    text = (
        b"-- \n"
        + b"".join(mark + b"x\n" for marks in MARKS.values() for mark in marks[:1]) * 3
        + b" CREATE DEFINER=no line of its own"
    )
    text += b"\\n/*!50003 CREATE*/ in a string"
    census = Census()
    for start in range(0, len(text), size):
        census.feed(text[start : start + size])
    assert census.found == dict.fromkeys(MARKS, 3)


def test_a_census_counts_all_kinds_of_views() -> None:
    census = Census()
    census.feed(b"".join(mark + b"x\n" for mark in MARKS["views"]))
    assert census.found["views"] == 2


def test_a_census_looks_for_nothing_else_than_it_is_asked_for() -> None:
    text = b"\n".join([b"", *(marks[0].strip() + b" x" for marks in MARKS.values())])
    some, none = Census(["views", "events"]), Census([])
    some.feed(text)
    none.feed(text)
    assert (some.found, none.found) == ({"views": 1, "events": 1}, {})


@pytest.mark.parametrize("compression", ["zstd:1", "zstd:9", "gzip:1", "none"])
def test_what_is_packed_unpacks(compression: str, tmp_path: Path) -> None:
    from dbops.engine.dump_streams import chunks

    pack = packer(compression, threads=1)
    data = [bytes([number % 251]) * 1000 for number in range(2000)]
    path = tmp_path / "packed"
    path.write_bytes(b"".join([*(pack.compress(piece) for piece in data), pack.flush()]))
    method = compression.partition(":")[0]
    assert b"".join(chunks(path, () if method == "none" else (method,))) == b"".join(data)
    assert path.stat().st_size < 2_000_000 or method == "none"


@pytest.mark.parametrize(
    ("grants", "has", "lacks"),
    [
        (["GRANT ALL PRIVILEGES ON *.* TO `a`@`b` WITH GRANT OPTION"], ["SELECT", "EVENT"], []),
        (["GRANT SELECT, SHOW VIEW ON `my\\_shop`.* TO `a`@`b`"], ["SELECT", "SHOW VIEW"], ["EVENT"]),
        (["GRANT SELECT ON `my%`.* TO `a`@`b`"], ["SELECT"], ["EVENT"]),
        (["GRANT SELECT ON `my\\%`.* TO `a`@`b`"], [], ["SELECT"]),
        (["GRANT SELECT ON `my_shop`.`one` TO `a`@`b`"], [], ["SELECT"]),
        (["GRANT SELECT (`a`), UPDATE ON `my_shop`.`one` TO `a`@`b`"], [], ["SELECT", "UPDATE"]),
        (["GRANT SELECT ON `other`.* TO `a`@`b`", "GRANT USAGE ON *.* TO `a`@`b`"], [], ["SELECT"]),
        (["GRANT SELECT ON *.* TO `a`@`b`", "REVOKE SELECT ON `my_shop`.* FROM `a`@`b`"], [], ["SELECT"]),
        (["GRANT `role`@`%` TO `a`@`b`", "GRANT EVENT ON `my_shop`.* TO `a`@`b`"], ["EVENT"], ["SELECT"]),
    ],
)
def test_rights_are_read_from_grants(grants: list[str], has: list[str], lacks: list[str]) -> None:
    rights = Rights(grants, "my_shop")
    assert [right for right in has if not rights.has(right)] == []
    assert [right for right in lacks if rights.has(right)] == []


@pytest.mark.parametrize(
    ("text", "moved"),
    [
        ("LANGUAGE JAVASCRIPT\n    USING (`shop`.`tax` AS `t`, `other`.`x`)", "(`new`.`tax` AS `t`, `other`.`x`)"),
        ("LANGUAGE javascript USING (`shop`.`tax`)", "(`new`.`tax`)"),
        ('LANGUAGE JAVASCRIPT USING ("shop"."tax" AS "t")', '(`new`."tax" AS "t")'),
        (
            "LANGUAGE JAVASCRIPT USING (`shop`.`a` AS `it's`, `shop`.`b` AS `b's`)",
            "(`new`.`a` AS `it's`, `new`.`b` AS `b's`)",
        ),
        ("LANGUAGE JAVASCRIPT USING (`shop`.`shop` AS `shop`)", "(`new`.`shop` AS `shop`)"),
    ],
)
def test_a_routine_for_another_database_uses_its_libraries(text: str, moved: str) -> None:
    head = "CREATE FUNCTION `f`(LANGUAGE text) RETURNS text COMMENT 'LANGUAGE JAVASCRIPT USING (`shop`.`y`)' "
    body = "\nAS $$ 'LANGUAGE JAVASCRIPT USING (`shop`.`z`)' $$"
    found = ddl.libraries_moved(head + text + body, "shop", "new")
    assert found == f"{head}{text.partition('(')[0]}{moved}{body}"
    bare = ddl.libraries_moved(text, "shop", "")
    assert bare == text.partition("(")[0] + moved.replace("`new`.", "")


def test_a_list_of_libraries_without_its_end_takes_no_time() -> None:
    text = f"LANGUAGE JAVASCRIPT USING ({'``' * 200} x"
    assert ddl.libraries_moved(text, "shop", "new") == text


def test_the_body_of_a_library_keeps_its_words() -> None:
    text = "CREATE LIBRARY `l` LANGUAGE JAVASCRIPT AS $$ export const definer = 'x' $$"
    assert ddl.without_definer(text) == text
    assert ddl.definer(text) is None
