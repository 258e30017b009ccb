"""The functions' environment variables: names and numbers, and never the value of a parameter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Self


def _flag(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError(f"{text!r} is neither true nor false.")
    return text == "true"


_READERS: dict[Any, Callable[[str], object]] = {"int": int, "bool": _flag}


@dataclass(frozen=True, kw_only=True)
class EnvironmentVariables:
    """What every function is told by its stack."""

    environment: str
    db_endpoint_param: str
    db_password_param: str
    db_name_param: str

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> Self:
        """Raises KeyError, naming every variable that is missing or empty, and ValueError for no number or flag."""
        types = {field.name: field.type for field in fields(cls)}
        missing = [name.upper() for name in types if not variables.get(name.upper())]
        if missing:
            raise KeyError(f"Set {', '.join(missing)} in the function's environment.")
        values: dict[str, Any] = {name: variables[name.upper()] for name in types}
        values |= {name: _READERS[type_](values[name]) for name, type_ in types.items() if type_ in _READERS}
        return cls(**values)

    def database_params(self) -> dict[str, str]:
        """The parameters that tell how to reach the database, by what they hold."""
        return {"endpoint": self.db_endpoint_param, "password": self.db_password_param, "name": self.db_name_param}


@dataclass(frozen=True, kw_only=True)
class OwnerVariables(EnvironmentVariables):
    """What a function is told that works with the database as its owner."""

    db_username_param: str

    def database_params(self) -> dict[str, str]:
        return {**super().database_params(), "username": self.db_username_param}


@dataclass(frozen=True, kw_only=True)
class IngestVariables(OwnerVariables):
    """What `LambdaStack` tells the ingest function. `outcome_retention` in days.

    `results_address`: where people open the pages. `announce_test_names`: whether events name tests.
    """

    event_bus_name: str
    event_source: str
    outcome_retention: int
    results_address: str
    announce_test_names: bool


@dataclass(frozen=True, kw_only=True)
class SchemaVariables(OwnerVariables):
    """What `SchemaStack` tells the schema function. The retentions are in days."""

    db_reader_password_param: str
    text_retention: int
    outcome_retention: int


@dataclass(frozen=True, kw_only=True)
class ResultsVariables(EnvironmentVariables):
    """What `ResultsStack` tells the results function. The password is the reader's.

    `results_address`: where people open the pages.
    """

    results_address: str
