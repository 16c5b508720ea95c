"""Which of MySQL and MariaDB a dump was made from, by its text: what a restore of it needs. Pure.

The dump program tells nothing: each product's dumps the other's server, and many write no header.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MYSQL, MARIADB = "mysql", "mariadb"
_SERVER = re.compile(rb"^-- Server version[ \t]+(.*)$", re.MULTILINE)
_OF_MARIADB = re.compile(
    rb"-MariaDB|^-- MariaDB dump |/\*M!|uca1400|\bSEQUENCE=1\b|^CREATE SEQUENCE |current_timestamp\(\)|nextval\(`",
    re.MULTILINE,
)
_OF_MYSQL = re.compile(
    rb"^-- MySQL dump |/\*!80\d{3} |_0900_|GTID_PURGED|MYSQLDUMP_TEMP_LOG_BIN|/\*!50503 SET |/\*!50606 SET ",
    re.MULTILINE,
)
_DATABASE = re.compile(rb"^CREATE DATABASE [^\n]*", re.MULTILINE)
_ENCRYPTION = b"/*!80016 "
_WIDTHS = re.compile(rb"^ +`[^`]+` (?:(?:small|medium|big)?int)\(\d+\)", re.MULTILINE)
_NO_WIDTHS = re.compile(rb"^ +`[^`]+` (?:(?:small|medium|big)?int)(?: unsigned)? (?:NOT|DEFAULT)", re.MULTILINE)


def product_of(text: bytes) -> str:
    """`mysql`, `mariadb`, or '' where the text does not tell."""
    if server := _SERVER.search(text):
        return MARIADB if b"MariaDB" in server[1] else MYSQL
    if _OF_MARIADB.search(text):
        return MARIADB
    if _OF_MYSQL.search(text):
        return MYSQL
    # MySQL says since 8.0.16 how a database is encrypted, and since 8.0.19 how wide no integer is.
    made = _DATABASE.search(text)
    if made:
        return MYSQL if _ENCRYPTION in made[0] else MARIADB
    if _WIDTHS.search(text):
        return MARIADB
    return MYSQL if _NO_WIDTHS.search(text) else ""


def product_of_all(texts: Iterable[bytes]) -> str:
    """The first that tells decides; MySQL where none does."""
    return next((product for text in texts if (product := product_of(text))), MYSQL)
