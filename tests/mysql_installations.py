"""The MariaDB and MySQL servers that this machine has.

MariaDB 10.11 is the distribution's. The two others come out of container images, whose files are unpacked once to a
cache folder and run on the host through wrapper scripts, which start each program with the image's own dynamic linker
and libraries: so their client tools are plain executables to everybody, with no container around them.

Environment: DBOPS_TEST_MARIADB_IMAGE, DBOPS_TEST_MYSQL_IMAGE (other images, for instance the official ones),
DBOPS_TEST_SERVERS (the cache folder: /var/cache/dbops-test for root, else `dbops-test` in the user's cache).
"""

from __future__ import annotations

import functools
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import filelock

IMAGES = {
    "mariadb11.8": ("DBOPS_TEST_MARIADB_IMAGE", "dbops-test/mariadb:11.8"),
    "mysql9.7": ("DBOPS_TEST_MYSQL_IMAGE", "dbops-test/mysql:9.7"),
}
NAMES = ("mariadb10.11", *IMAGES)  # what the tests call each of them, whatever else an image may hold
# What is never run, and big: the rest of the image comes along, since nobody lists what a program opens.
LEFT_OUT = ("dev", "proc", "sys", "tmp", "var", "root", "home", "run", "boot", "usr/share/doc", "usr/share/man", "etc")
PROGRAMS = re.compile(r"(mysql|mariadb|mariabackup|mbstream|my_print|myisam|aria_|inno|resolveip|perror|replace)")


class UnavailableError(Exception):
    """The server cannot be had here; the text says why, and what makes it."""


@dataclass(frozen=True)
class MysqlInstallation:
    """A folder of programs of one product and version: server, initialisation and client tools."""

    name: str  # one of NAMES
    kind: str  # "mysql" or "mariadb"
    version: str  # for instance "10.11.19"
    bindir: Path  # the client tools
    server: Path  # mysqld or mariadbd
    cache: Path | None  # where its folder is, when it came out of an image

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])

    @property
    def series(self) -> str:
        """The first two parts of the version, for instance `10.11`."""
        return ".".join(self.version.split(".")[:2])

    def tool(self, name: str) -> str:
        """The path of a client tool by its MySQL name; MariaDB's own name is preferred where there is one."""
        own = {"mysqldump": "mariadb-dump", "mysql": "mariadb", "mysqladmin": "mariadb-admin"}
        if self.kind == "mariadb" and name in own and (self.bindir / own[name]).exists():
            name = own[name]
        return str(self.bindir / name)


def find_installations() -> list[MysqlInstallation]:
    """Every server that can be had here. Unpacks an image that was never unpacked (seconds, once per image)."""
    found = []
    for name in NAMES:
        try:
            found.append(find(name))
        except UnavailableError:
            continue
    return found


@functools.cache
def find(name: str) -> MysqlInstallation:
    """The server of that name; UnavailableError says why there is none."""
    if name in IMAGES:
        variable, image = IMAGES[name]
        prefix = _unpacked(os.environ.get(variable) or image)
        return _installation(name, prefix / "bin", prefix / "bin", prefix)
    server = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if not server:
        raise UnavailableError("no MariaDB server (mariadbd): apt-get install mariadb-server")
    found = _installation(name, Path("/usr/bin"), Path(server).parent, None)
    if f"mariadb{found.series}" != name:
        raise UnavailableError(f"the MariaDB on this machine is {found.version}, not one of {name}")
    return found


def _installation(name: str, bindir: Path, sbindir: Path, cache: Path | None) -> MysqlInstallation:
    server = next((sbindir / program for program in ("mariadbd", "mysqld") if (sbindir / program).exists()), None)
    if server is None:
        raise UnavailableError(f"there is neither mariadbd nor mysqld in {sbindir}")
    done = subprocess.run([server, "--no-defaults", "--version"], capture_output=True, text=True)
    version = re.search(r"Ver (\d+\.\d+\.\d+)(\S*)", done.stdout)
    if done.returncode or not version:
        raise UnavailableError(f"{server} does not run here: status {done.returncode}, {done.stdout}{done.stderr}")
    kind = "mariadb" if "mariadb" in version[2].lower() else "mysql"
    return MysqlInstallation(name, kind, version[1], bindir, server, cache)


# -- images ----------------------------------------------------------------------------------------------------------


def _cache() -> Path:
    if given := os.environ.get("DBOPS_TEST_SERVERS"):
        return Path(given)
    if os.geteuid() == 0:  # the servers run as somebody else, who may not enter root's home
        return Path("/var/cache/dbops-test")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dbops-test"


def _docker(*arguments: str) -> str:
    try:
        done = subprocess.run(["docker", *arguments], capture_output=True, text=True)
    except OSError as error:
        raise UnavailableError(f"docker cannot be run: {error}") from None
    if done.returncode:
        raise UnavailableError(f"docker {arguments[0]}, status {done.returncode}: {done.stderr.strip()}")
    return done.stdout.strip()


def _unpacked(image: str) -> Path:
    """The folder that holds the image's files and the wrapper scripts: made now unless it is there already."""
    label = re.sub(r"[^A-Za-z0-9.]+", "-", image)
    cache = _cache()
    try:
        digest = _docker("image", "inspect", "--format", "{{.Id}}", image).removeprefix("sha256:")
    except UnavailableError as error:  # what was unpacked earlier needs neither the engine nor the image
        earlier = sorted(cache.glob(f"{label}-" + 12 * "[0-9a-f]"), key=lambda each: each.stat().st_mtime)
        if earlier:
            return earlier[-1]
        hint = "tests/images/build-all makes the test images, tests/images/start-docker starts an engine"
        raise UnavailableError(f"no image {image}: {error} ({hint})") from None
    folder = cache / f"{label}-{digest[:12]}"
    if folder.exists():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(cache / f".{label}.lock"):  # several test workers start at once
        if not folder.exists():
            partial = Path(tempfile.mkdtemp(prefix=f".{label}-", dir=cache))
            try:
                partial.chmod(0o755)
                _extract(image, partial / "root")
                _wrap(partial, folder)
                partial.rename(folder)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    return folder


def _extract(image: str, root: Path) -> None:
    root.mkdir()
    container = _docker("create", "--network=none", image)
    try:
        argv = ["docker", "export", container]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as export:
            excluded = [f"--exclude={path}" for path in LEFT_OUT]
            unpack = ["tar", "-C", str(root), "-x", "--anchored", "--no-same-owner", "-m", *excluded]
            done = subprocess.run(unpack, stdin=export.stdout, capture_output=True, text=True)
            export.communicate()
        if done.returncode or export.returncode:
            raise UnavailableError(f"{image} cannot be unpacked: {done.stderr.strip() or argv}")
    finally:
        _docker("rm", "--volumes", container)


def _wrap(prefix: Path, final: Path) -> None:
    """Makes of the folder what the products call a basedir; paths that are written into it are those of `final`."""
    root = prefix / "root"
    linker = next(iter(sorted(root.glob("usr/lib*/ld-linux*.so.*")) + sorted(root.glob("usr/lib/*/ld-linux*.so.*"))))
    libraries = [
        *root.glob("usr/lib/*-linux-gnu"),
        root / "usr/lib64",
        root / "usr/lib",
        *root.glob("usr/lib*/mysql/*"),
    ]
    library_path = ":".join(str(final / path.relative_to(prefix)) for path in libraries if path.is_dir())
    server_options = []
    for option, sample in (("lc-messages-dir", "*/english/errmsg.sys"), ("character-sets-dir", "*/charsets/Index.xml")):
        for found in root.glob(f"usr/share/{sample}"):
            folder = found.parent.parent if option == "lc-messages-dir" else found.parent
            server_options.append(f"--{option}={final / folder.relative_to(prefix)}")
    plugins = next(iter([*root.glob("usr/lib*/mysql/plugin"), *root.glob("usr/lib/*/mysql/plugin")]), root)
    server_options += [f"--basedir={final}", f"--plugin-dir={final / plugins.relative_to(prefix)}"]
    client_plugins = next(iter(root.glob("usr/lib/*/libmariadb3/plugin")), plugins)

    (prefix / "bin").mkdir()
    for name, target in {"sbin": "bin", "lib": "root/usr/lib", "share": "root/usr/share"}.items():
        (prefix / name).symlink_to(target)
    if not (root / "lib64").exists():  # absolute links of the image lead out of it
        (root / "lib64").unlink(missing_ok=True)
    for real in sorted([*root.glob("usr/bin/*"), *root.glob("usr/sbin/*")]):
        if not PROGRAMS.match(real.name) or not real.exists():
            continue
        with real.open("rb") as file:
            binary = file.read(4) == b"\x7fELF"
        lines = ["#!/bin/sh", f"# {real.name} as the image has it, with the image's own libraries."]
        program = shlex.quote(str(final / real.relative_to(prefix)))
        if binary:
            paths = [str(final / linker.relative_to(prefix)), "--library-path", library_path]
            start = f"exec {shlex.join(paths)} {program}"
        else:
            start = f"exec {program}"
        plugin_folder = shlex.quote(str(final / client_plugins.relative_to(prefix)))
        lines.append(f"export LIBMYSQL_PLUGIN_DIR={plugin_folder} MARIADB_PLUGIN_DIR={plugin_folder}")
        if real.name in ("mysqld", "mariadbd"):  # options about option files must stay the first ones
            lines += [
                "case ${1-} in --no-defaults|--defaults-*) first=$1; shift ;; *) first= ;; esac",
                f'{start} ${{first:+"$first"}} {shlex.join(server_options)} "$@"',
            ]
        elif real.name.endswith(("install-db", "install_db")):
            lines.append(f'{start} "$@" --basedir={shlex.quote(str(final))}')
        else:
            lines.append(f'{start} "$@"')
        wrapper = prefix / "bin" / real.name
        wrapper.write_text("\n".join(lines) + "\n")
        wrapper.chmod(0o755)
