"""What differs between MySQL and MariaDB for somebody who makes a server of them; and their versions."""

from __future__ import annotations

import re
from typing import NamedTuple


class Product(NamedTuple):
    """One of the two. Which of them a server or a program is, its version says."""

    name: str
    """As in `Needs.engine` and in URLs."""
    title: str
    programs: tuple[str, ...]
    """Names of its server program, the preferred first."""
    image: str
    """The official one; `{version}` is the source's series."""
    newest: str
    """The tag where the source's version is not known."""
    variable: str
    """Environment: where its images come from instead, such as `registry.internal/mysql:{version}`."""
    prefix: str
    """Of the variables that the entrypoint of its image takes, and that its image sets."""


MYSQL = Product(
    name="mysql",
    title="MySQL",
    programs=("mysqld",),
    image="mysql:{version}",
    newest="9",
    variable="DBOPS_MYSQL_IMAGE",
    prefix="MYSQL",
)
MARIADB = Product(
    name="mariadb",
    title="MariaDB",
    programs=("mariadbd", "mysqld"),
    image="mariadb:{version}",
    newest="11",
    variable="DBOPS_MARIADB_IMAGE",
    prefix="MARIADB",
)
PRODUCTS = {product.name: product for product in (MYSQL, MARIADB)}
SUPERUSER = "root"


def product_of(version: str) -> Product:
    """By `VERSION()` with `@@version_comment`, or by what `--version` prints after `Ver`."""
    return MARIADB if "mariadb" in version.lower() else MYSQL


def number_of(version: str) -> str:
    """`9.7.4` of `9.7.4-1debian`, `10.11.19` of `5.5.5-10.11.19-MariaDB`; '' if there is none."""
    found = re.search(r"\d+(\.\d+)+", version.removeprefix("5.5.5-"))
    return found[0] if found else ""


def series_of(version: str) -> str:
    """Servers of one series print and take the same: `8.0`, `8.4`, `9.7`, `10.11`. Of both products the second number
    counts as much as the first: 8.4 left out what 8.0 had, and 10.11 has few of the collations of 11.8."""
    return ".".join(number_of(version).split(".")[:2])


def major_of(version: str) -> int:
    """0 where it is not known."""
    first = number_of(version).partition(".")[0]
    return int(first) if first else 0
