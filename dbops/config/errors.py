"""Mistakes in `dbops.toml`: variables that are missing, and codec errors turned into file, key and what is allowed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from dbops.errors import ConfigError
from dbops.language import joined, msg

_VARIABLE = re.compile(r"\$?\$\{([^}]*)\}")
_AT = re.compile(r" - at `\$\.?(.*)`$")
_FIELD = re.compile(r"(unknown|missing required) field `(.+?)`")
_TYPES = re.compile(r"Expected `(.+)`, got `(.+)`")
_NAMES = {
    "object": msg("a table"),
    "array": msg("a list"),
    "str": msg("a string"),
    "int": msg("a whole number"),
    "bool": msg("true or false"),
}


def expand(value: Any, key: str, environment: Mapping[str, str], file: str) -> Any:
    """`value` with every `${NAME}` in its strings replaced; `$${NAME}` stands for itself. `ConfigError` names the
    variable that is not set."""
    if isinstance(value, dict):
        return {name: expand(item, f"{key}.{name}" if key else name, environment, file) for name, item in value.items()}
    if isinstance(value, list):
        return [expand(item, f"{key}[{index}]", environment, file) for index, item in enumerate(value)]
    if not isinstance(value, str):
        return value

    def replace(match: re.Match[str]) -> str:
        if match[0].startswith("$$"):
            return match[0][1:]
        if match[1] not in environment:
            raise ConfigError(
                msg("{file}: {key}: the environment variable {match} is not set", file=file, key=key, match=match[1]),
                hint=msg("export {match}, or write the value; $${{…}} stands for the text itself", match=match[1]),
                kind="config-variable",
            )
        return environment[match[1]]

    return _VARIABLE.sub(replace, value)


def explain(
    error: msgspec.ValidationError, kind: type[msgspec.Struct], key: str, file: str, table: Mapping[str, Any]
) -> ConfigError:
    """The codec's error about `table`, a `kind` under `key`, as one that names the value and what is allowed."""
    text = str(error)
    at = _AT.search(text)
    path = at[1] if at else ""
    message = _AT.sub("", text)
    where = f"{key}.{path}" if path else key
    found = _type_at(kind, path)
    field = _FIELD.search(message)
    if field and isinstance(found, type) and issubclass(found, msgspec.Struct):
        names = field_names(found)
        if field[1] == "unknown":
            return unknown_key(f"{where}.{field[2]}", names, file)
        return ConfigError(
            msg("{file}: {where}: the key '{field}' is missing", file=file, where=where, field=field[2]),
            hint=_list(names),
            kind="config-key",
        )
    choices = _choices(found)
    if choices:
        return ConfigError(
            msg(
                "{file}: {where} = {value_at!r}: unknown value", file=file, where=where, value_at=_value_at(table, path)
            ),
            hint=msg("allowed: {choices}", choices=", ".join(choices)),
            kind="config-value",
        )
    if bounds := _bounds(kind, path):
        value = _value_at(table, path)
        return ConfigError(
            msg(
                "{file}: {where} = {value!r}: expected a whole number from {ge} to {le}",
                file=file,
                where=where,
                value=value,
                ge=bounds.ge,
                le=bounds.le,
            ),
            kind="config-value",
        )
    if types := _TYPES.fullmatch(message):
        wanted, given = (joined(" or ", (_NAMES.get(one, one) for one in kind.split(" | "))) for kind in types.groups())
        message = msg("expected {wanted}, found {given}", wanted=wanted, given=given)
    return ConfigError(
        msg("{file}: {where}: {problem}", file=file, where=where, problem=message[:1].lower() + message[1:]),
        kind="config-value",
    )


def unknown_key(key: str, allowed: Iterable[str], file: str) -> ConfigError:
    """The error that names the key, the nearest allowed one, and all of them."""
    allowed = list(allowed)
    close = difflib.get_close_matches(key.rpartition(".")[2], allowed, n=1)
    hint = msg("did you mean '{close}'? ", close=close[0]) if close else ""
    return ConfigError(
        msg("{file}: {key}: unknown key", file=file, key=key),
        hint=msg("{hint}{list}", hint=hint, list=_list(allowed)),
        kind="config-key",
    )


def field_names(kind: type[msgspec.Struct]) -> list[str]:
    """The keys of a table, without `name` of a target, which is its heading."""
    hidden = {"name"} if kind.__name__ == "Target" else set[str]()
    return [field.encode_name for field in msgspec.structs.fields(kind) if field.encode_name not in hidden]


def _list(names: Iterable[str]) -> str:
    return msg("allowed keys: {names}", names=", ".join(names))


def _type_at(kind: Any, path: str) -> Any:
    """The type of the value at a path such as `policy.keep.last`."""
    for part in re.sub(r"\[[^]]*\]", "", path).split(".") if path else ():
        kind = get_type_hints(_struct_of(kind)).get(part) if _struct_of(kind) else None
    return _struct_of(kind) or kind


def _bounds(kind: Any, path: str) -> msgspec.Meta | None:
    """What the type of a number says about its range."""
    above, _, name = path.rpartition(".")
    table = _struct_of(_type_at(kind, above))
    hint = get_type_hints(table, include_extras=True).get(name) if table else None
    limits = (item for item in getattr(hint, "__metadata__", ()) if isinstance(item, msgspec.Meta))
    return next((item for item in limits if item.ge is not None), None)


def _value_at(table: Any, path: str) -> Any:
    """The value at a path without lists in it."""
    for part in path.split("."):
        table = table.get(part) if isinstance(table, Mapping) else None
    return table


def _struct_of(kind: Any) -> Any:
    if isinstance(kind, type) and get_origin(kind) is None and issubclass(kind, msgspec.Struct):
        return kind
    return next((found for item in get_args(kind) if (found := _struct_of(item)) is not None), None)


def _choices(kind: Any) -> list[str]:
    if get_origin(kind) is Literal:
        return [str(item) for item in get_args(kind)]
    return [choice for item in get_args(kind) for choice in _choices(item)]
