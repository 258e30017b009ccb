"""What a URL asks for: its path and query, read into the fields of a dataclass."""

from __future__ import annotations

import dataclasses
import functools
import types
from collections.abc import Mapping
from datetime import date
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl
from uuid import UUID

# Characters of one value: the longest name that a report may have is half as long.
_MAX_LENGTH = 2_048
_MAX_FIELDS = 20
_MAX_COUNT = 1_000_000
# What the keys of the history have room for, with some days to spare.
_FIRST_DAY, _LAST_DAY = date(1970, 1, 1), date(2199, 12, 31)

T = TypeVar("T")


class BadInput(Exception):
    """The URL asks for something in a wrong way. The message is one sentence that says what is right."""


def read_inputs(kind: type[T], path: Mapping[str, str], query: str) -> T:
    """The inputs of a page, as the dataclass `kind` has them. `query` as it stands in the URL, without its `?`.

    An empty value is as good as none, since a form sends its empty fields. Raises BadInput.
    """
    if not dataclasses.is_dataclass(kind):
        raise TypeError(f"{kind} is no dataclass")
    types_ = _types(kind)
    try:
        given = parse_qsl(query, max_num_fields=_MAX_FIELDS, errors="strict")
    except UnicodeDecodeError:
        raise BadInput("The query is not valid UTF-8.") from None
    except ValueError:
        raise BadInput(f"The query has more than {_MAX_FIELDS} parameters.") from None
    values: dict[str, Any] = dict(path)
    for name, value in given:
        if name not in types_ or name in path:
            takes = ", ".join(each for each in types_ if each not in path) or "none"
            raise BadInput(f"There is no parameter {name[:40]!r} here. There are: {takes}.")
        if name in values:
            raise BadInput(f"{name} is there twice.")
        values[name] = value
    read = {name: _value(name, text, types_[name]) for name, text in values.items()}
    for field in dataclasses.fields(kind):
        if field.default is dataclasses.MISSING and field.name not in read:
            raise BadInput(f"{field.name} is missing.")
    return kind(**read)


@functools.cache
def _types(kind: type[Any]) -> dict[str, Any]:
    return get_type_hints(kind)


def _value(name: str, text: str, kind: Any) -> Any:
    if len(text) > _MAX_LENGTH:
        raise BadInput(f"{name} has more than {_MAX_LENGTH} characters.")
    if "\0" in text:
        raise BadInput(f"{name} has a NUL, which no name has.")
    # `Literal[...] | None` is no UnionType before Python 3.14.
    if get_origin(kind) in {types.UnionType, Union}:
        return _value(name, text, get_args(kind)[0])
    if get_origin(kind) is Literal:
        if text not in get_args(kind):
            raise BadInput(f"{name} {text[:40]!r} is not valid: give {', '.join(get_args(kind))}.")
        return text
    if kind is str:
        return text
    try:
        if kind is UUID:
            return UUID(text)
        return _day(text) if kind is date else _count(text)
    except ValueError:
        wanted = {
            UUID: "an id (3b241101-e2bb-4255-8caf-4136c566a962)",
            int: f"a whole number from 0 to {_MAX_COUNT:,}",
            date: f"a day from {_FIRST_DAY} to {_LAST_DAY}",
        }[kind]
        raise BadInput(f"{name} {text[:40]!r} is not valid: give {wanted}.") from None


def _day(text: str) -> date:
    day = date.fromisoformat(text)
    if not _FIRST_DAY <= day <= _LAST_DAY:
        raise ValueError(text)
    return day


def _count(text: str) -> int:
    count = int(text)
    if not 0 <= count <= _MAX_COUNT:
        raise ValueError(text)
    return count
