"""What a file or folder is, by its content and never by its name: a dump, of which engine, packed how; or what else."""

from __future__ import annotations

import re
from pathlib import Path

from dbops.engine.dump_streams import head_of, look
from dbops.engine.dumps import Dump, Form
from dbops.errors import BadBackupError, PreflightError, StoreError
from dbops.language import msg
from dbops.ops.foreign_products import MYSQL, product_of, product_of_all
from dbops.ops.foreign_tar import members

_ARCHIVE_MAGIC = b"PGDMP"
_ARCHIVE_FORMATS = {1: Form.CUSTOM, 3: Form.TAR, 5: Form.DIRECTORY}
_FORMAT_AT = 10
_CONTENTS = "toc.dat"
_TAR_MAGIC_AT = 257
_HEAD_LINES = 40
_HEAD_BYTES = 1 << 14
_POSTGRES = re.compile(rb"^--\s*PostgreSQL database (?:cluster )?dump\s*$", re.MULTILINE)
_MYSQL = re.compile(
    rb"^-- (?:MySQL|MariaDB) dump |^/\*M?!\d+\\?- enable the sandbox mode|^-- Server version\s+[\d.]+-MariaDB"
    rb"|^/\*!\d{5} SET |^SET @MYSQLDUMP_TEMP_LOG_BIN",
    re.MULTILINE,
)
"""Headers, or what stands at the beginning of a dump without one."""
_MYDUMPER = re.compile(rb"Started dump at:|^\[(?:source|config|master)\]", re.MULTILINE)
_MYDUMPER_FILE = re.compile(r".+-schema(?:-create|-post|-view|-triggers|-sequence)?\.sql(?:\.(?:gz|zst|xz|lz4))?\Z")
_METADATA = "metadata"
_SHELL = "@.json"
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
_TEXT_HINT = msg("make the dump as a script: mysqldump without --tab, or mydumper without --load-data and --csv")


def recognise(path: Path, identity: Path | None = None) -> Dump:
    """The dump at `path`; `BadBackupError` if it is none, `PreflightError` for one that cannot be read (yet).

    `identity`: a key file of age. A tar archive that holds a directory dump or the folder of mydumper is recognised as
    what it holds, still packed.
    """
    try:
        return _folder(path, identity) if path.is_dir() else _file(path, identity)
    except OSError as error:
        raise StoreError(
            msg("{path} cannot be read: {reason}", path=path, reason=error.strerror or error), kind="unreadable"
        ) from None


def _folder(path: Path, identity: Path | None) -> Dump:
    if (contents := path / _CONTENTS).is_file():
        with contents.open("rb") as file:
            _archive_form(file.read(_FORMAT_AT + 1), path.name)
        size = sum(item.stat().st_size for item in path.iterdir() if item.is_file())
        return Dump("postgres", Form.DIRECTORY, path, (), size)
    names = {item.name for item in path.iterdir() if item.is_file()}
    if _is_mydumper(names, path / _METADATA):
        size = sum((path / name).stat().st_size for name in names)
        schemas = (path / name for name in sorted(names) if _MYDUMPER_FILE.match(name))
        engine = product_of_all(look(schema, identity)[1] for schema in schemas if schema.stat().st_size)
        return Dump(engine, Form.SCRIPTS, path, (), size, identity)
    if _SHELL in names:
        raise _text_files(path.name, msg("MySQL Shell"))
    if any(name.endswith(".sql") and f"{name[:-4]}.txt" in names for name in names):
        raise _text_files(path.name, msg("mysqldump --tab"))
    if any(path.iterdir()):
        hint = msg("give one dump, not the folder that holds many")
        raise BadBackupError(
            msg(
                "{path} is a folder, but no dump: it has neither {contents} (pg_dump) nor {metadata} (mydumper)",
                path=path.name,
                contents=_CONTENTS,
                metadata=_METADATA,
            ),
            hint=hint,
            kind="not-a-dump",
        )
    raise BadBackupError(msg("{path} is an empty folder", path=path.name), hint=_EMPTY_HINT, kind="archive-empty")


_EMPTY_HINT = msg(
    "the job that makes it has failed: look at its own output, and check exit statuses of every program in it"
)


def _file(path: Path, identity: Path | None) -> Dump:
    size = path.stat().st_size
    if size == 0:
        raise BadBackupError(msg("{path} is empty: 0 bytes", path=path.name), hint=_EMPTY_HINT, kind="archive-empty")
    packing, head = look(path, identity)
    packed = msg(", inside of {packing},", packing=" and ".join(packing)) if packing else ""
    if not head:
        raise BadBackupError(
            msg("{path}{packed} is empty", path=path.name, packed=packed), hint=_EMPTY_HINT, kind="archive-empty"
        )
    if head.startswith(_ARCHIVE_MAGIC):
        form = _archive_form(head, path.name)
        if form is not Form.CUSTOM:
            hint = msg("drill the whole folder or tar archive that it belongs to")
            raise BadBackupError(
                msg("{path} is only the table of contents of a dump", path=path.name), hint=hint, kind="not-a-dump"
            )
        return Dump("postgres", form, path, packing, size)
    if head[_TAR_MAGIC_AT : _TAR_MAGIC_AT + 5] == b"ustar":
        engine, form = _in_tar(path, packing, identity)
        return Dump(engine, form, path, packing, size, identity if form is Form.SCRIPTS else None)
    lines = b"\n".join(head.removeprefix(b"\xef\xbb\xbf").split(b"\n")[:_HEAD_LINES])
    if _POSTGRES.search(lines):
        return Dump("postgres", Form.PLAIN, path, packing, size, identity)
    if _MYSQL.search(lines):
        return Dump(product_of_all([head]), Form.PLAIN, path, packing, size, identity)
    raise _unknown(path.name, packed, head)


def _archive_form(head: bytes, name: str) -> Form:
    """By the header that pg_dump writes (ReadHead in pg_backup_archiver.c)."""
    number = head[_FORMAT_AT] if len(head) > _FORMAT_AT else 0
    if not head.startswith(_ARCHIVE_MAGIC) or number not in _ARCHIVE_FORMATS:
        hint = msg("use another dump, and look at the job that made it")
        raise BadBackupError(
            msg("{name} begins like a dump, and is none", name=name), hint=hint, kind="archive-corrupt"
        )
    return _ARCHIVE_FORMATS[number]


def _in_tar(path: Path, packing: tuple[str, ...], identity: Path | None) -> tuple[str, Form]:
    """Engine and form. A tar of pg_dump has its contents first; a folder that somebody put into a tar has them
    anywhere, and of mydumper's no file tells all: it is read to its end."""
    names: set[str] = set()
    engine = ""
    finished = b""
    for name, file in members(path, packing, identity):
        own = name.rpartition("/")[2]
        if own == _CONTENTS and name.count("/") <= 1:
            form = _archive_form(file.read(_FORMAT_AT + 1), path.name)
            return "postgres", form if form is Form.TAR and name == _CONTENTS else Form.DIRECTORY
        names.add(own)
        if own == _METADATA:
            finished = file.read(_HEAD_BYTES)
        elif not engine and _MYDUMPER_FILE.match(own):
            engine = product_of(head_of(file, path))
    if _MYDUMPER.search(finished) or any(_MYDUMPER_FILE.match(name) for name in names):
        return engine or MYSQL, Form.SCRIPTS
    hint = msg("give the dump itself, or a tar of a dump in the directory format or of a folder of mydumper")
    raise BadBackupError(
        msg("{path} is a tar archive without a dump in it", path=path.name), hint=hint, kind="not-a-dump"
    )


def _is_mydumper(names: set[str], metadata: Path) -> bool:
    """By its metadata, or by its files where it was killed before it had written that."""
    if metadata.name in names:
        with metadata.open("rb") as file:
            return _MYDUMPER.search(file.read(_HEAD_BYTES)) is not None
    return f"{_METADATA}.partial" in names or any(_MYDUMPER_FILE.match(name) for name in names)


def _text_files(name: str, tool: str) -> PreflightError:
    return PreflightError(
        msg("{name} was made by {tool}: its rows are in text files, which cannot be read", name=name, tool=tool),
        hint=_TEXT_HINT,
        kind="format-unsupported",
    )


def _unknown(name: str, packed: str, head: bytes) -> BadBackupError | PreflightError:
    other = next((what for mark, what in _OTHER_PACKING.items() if head.startswith(mark)), "")
    if other:
        hint = msg("unpack it first, or pack dumps with gzip, zstd or xz")
        return PreflightError(
            msg("{name}{packed} is {other}, which cannot be read", name=name, packed=packed, other=other),
            hint=hint,
            kind="format-unsupported",
        )
    what = next((text for pattern, text in _OTHER_CONTENT if pattern.match(head)), "")
    if not what:
        text = not head.translate(None, bytes(range(32, 256)) + b"\t\r\n\f")
        what = (
            msg("text, but not of a dump: it lacks the header that dump programs write")
            if text
            else msg("no dump that is known")
        )
    hint = msg("look at what the job that makes it really writes there")
    return BadBackupError(
        msg("{name}{packed} is {what}", name=name, packed=packed, what=what), hint=hint, kind="not-a-dump"
    )
