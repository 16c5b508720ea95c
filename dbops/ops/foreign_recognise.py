"""What a file or folder is, by its content and never by its name: a dump, of which engine, packed how; or what else."""

from __future__ import annotations

import re
from pathlib import Path

from dbops.engine.dump_streams import look
from dbops.engine.dumps import Dump, Form
from dbops.errors import BadBackupError, PreflightError, StoreError
from dbops.ops.foreign_tar import members

_ARCHIVE_MAGIC = b"PGDMP"
_ARCHIVE_FORMATS = {1: Form.CUSTOM, 3: Form.TAR, 5: Form.DIRECTORY}
_FORMAT_AT = 10
_CONTENTS = "toc.dat"
_TAR_MAGIC_AT = 257
_HEAD_LINES = 40
_POSTGRES = re.compile(rb"^--\s*PostgreSQL database (?:cluster )?dump\s*$", re.MULTILINE)
_MYSQL = re.compile(
    rb"^-- (MySQL|MariaDB) dump |^/\*M?!\d+\\?- enable the sandbox mode|^-- Server version\s+[\d.]+-MariaDB",
    re.MULTILINE,
)
_MYDUMPER = re.compile(r"Started dump at:|\[source\]|\[config\]")
_OTHER_PACKING = {
    b"PK\x03\x04": "a ZIP archive",
    b"PK\x05\x06": "an empty ZIP archive",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"BZh": "packed with bzip2",
    b"\x04\x22\x4d\x18": "packed with lz4",
    b"Rar!": "a RAR archive",
    b"-----BEGIN PGP": "encrypted with PGP",
    b"\x85\x01": "encrypted with PGP",
    b"\x84\x5e": "encrypted with PGP",
}
_OTHER_CONTENT = (
    (
        re.compile(rb"\s*(?:<!doctype html|<html|<\?xml|<h1)", re.IGNORECASE),
        "an HTML or XML page, such as an error of a web server",
    ),
    (re.compile(rb"\s*[{\[]"), "JSON text"),
    (re.compile(rb"SQLite format 3\x00"), "an SQLite database"),
    (re.compile(rb"\x7fELF|MZ"), "a program"),
)
_UNSUPPORTED_HINT = "dumps of pg_dump and pg_dumpall can be drilled now"


def recognise(path: Path, identity: Path | None = None) -> Dump:
    """The dump at `path`; `BadBackupError` if it is none, `PreflightError` for one that cannot be read (yet).

    `identity`: a key file of age. A tar archive that holds a directory dump is recognised as `DIRECTORY`, still packed.
    """
    try:
        return _folder(path) if path.is_dir() else _file(path, identity)
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror or error}", kind="unreadable") from None


def _folder(path: Path) -> Dump:
    if (contents := path / _CONTENTS).is_file():
        with contents.open("rb") as file:
            _archive_form(file.read(_FORMAT_AT + 1), path.name)
        size = sum(item.stat().st_size for item in path.iterdir() if item.is_file())
        return Dump("postgres", Form.DIRECTORY, path, (), size)
    metadata = path / "metadata"
    if metadata.is_file() and _MYDUMPER.search(metadata.read_text(errors="replace")[:4000]):
        raise _unsupported(path.name, "mydumper", "MySQL")
    if any(path.iterdir()):
        hint = "a directory dump of pg_dump has a file toc.dat; give one dump, not the folder that holds many"
        raise BadBackupError(
            f"{path.name} is a folder, but no dump: it has no {_CONTENTS}", hint=hint, kind="not-a-dump"
        )
    raise BadBackupError(f"{path.name} is an empty folder", hint=_EMPTY_HINT, kind="archive-empty")


_EMPTY_HINT = "the job that makes it has failed: look at its own output, and check exit statuses of every program in it"


def _file(path: Path, identity: Path | None) -> Dump:
    size = path.stat().st_size
    if size == 0:
        raise BadBackupError(f"{path.name} is empty: 0 bytes", hint=_EMPTY_HINT, kind="archive-empty")
    packing, head = look(path, identity)
    packed = f", inside of {' and '.join(packing)}," if packing else ""
    if not head:
        raise BadBackupError(f"{path.name}{packed} is empty", hint=_EMPTY_HINT, kind="archive-empty")
    if head.startswith(_ARCHIVE_MAGIC):
        form = _archive_form(head, path.name)
        if form is not Form.CUSTOM:
            hint = "drill the whole folder or tar archive that it belongs to"
            raise BadBackupError(f"{path.name} is only the table of contents of a dump", hint=hint, kind="not-a-dump")
        return Dump("postgres", form, path, packing, size)
    if head[_TAR_MAGIC_AT : _TAR_MAGIC_AT + 5] == b"ustar":
        return Dump("postgres", _tar_form(path, packing, identity), path, packing, size)
    lines = b"\n".join(head.removeprefix(b"\xef\xbb\xbf").split(b"\n")[:_HEAD_LINES])
    if _POSTGRES.search(lines):
        return Dump("postgres", Form.PLAIN, path, packing, size, identity)
    if match := _MYSQL.search(lines):
        tool = "mysqldump" if match[1] == b"MySQL" and b"MariaDB" not in lines else "mariadb-dump"
        raise _unsupported(path.name, tool, "MySQL" if tool == "mysqldump" else "MariaDB")
    raise _unknown(path.name, packed, head)


def _archive_form(head: bytes, name: str) -> Form:
    """By the header that pg_dump writes (ReadHead in pg_backup_archiver.c)."""
    number = head[_FORMAT_AT] if len(head) > _FORMAT_AT else 0
    if not head.startswith(_ARCHIVE_MAGIC) or number not in _ARCHIVE_FORMATS:
        hint = "use another dump, and look at the job that made it"
        raise BadBackupError(f"{name} begins like a dump, and is none", hint=hint, kind="archive-corrupt")
    return _ARCHIVE_FORMATS[number]


def _tar_form(path: Path, packing: tuple[str, ...], identity: Path | None) -> Form:
    """A tar of pg_dump has its contents first; a folder that somebody put into a tar has them anywhere."""
    for name, file in members(path, packing, identity):
        if name.rpartition("/")[2] == _CONTENTS and name.count("/") <= 1:
            form = _archive_form(file.read(_FORMAT_AT + 1), path.name)
            return form if form is Form.TAR and name == _CONTENTS else Form.DIRECTORY
    hint = "give the dump itself, or a tar of a dump in the directory format"
    raise BadBackupError(f"{path.name} is a tar archive without a dump in it", hint=hint, kind="not-a-dump")


def _unsupported(name: str, tool: str, engine: str) -> PreflightError:
    return PreflightError(
        f"{name} was made by {tool}: the engine {engine} is not supported yet",
        hint=_UNSUPPORTED_HINT,
        kind="engine-unsupported",
    )


def _unknown(name: str, packed: str, head: bytes) -> BadBackupError | PreflightError:
    other = next((what for mark, what in _OTHER_PACKING.items() if head.startswith(mark)), "")
    if other:
        hint = "unpack it first, or pack dumps with gzip, zstd or xz"
        return PreflightError(f"{name}{packed} is {other}, which cannot be read", hint=hint, kind="format-unsupported")
    what = next((text for pattern, text in _OTHER_CONTENT if pattern.match(head)), "")
    if not what:
        text = not head.translate(None, bytes(range(32, 256)) + b"\t\r\n\f")
        what = "text, but not of a dump: it lacks the header that pg_dump writes" if text else "no dump that is known"
    hint = "look at what the job that makes it really writes there"
    return BadBackupError(f"{name}{packed} is {what}", hint=hint, kind="not-a-dump")
