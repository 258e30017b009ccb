"""The functions' environment variables: names and numbers, and never the value of a parameter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self


@dataclass(frozen=True, kw_only=True)
class EnvironmentVariables:
    """What every function is told by its stack."""

    environment: str
    db_endpoint_param: str
    db_username_param: str
    db_password_param: str
    db_name_param: str

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> Self:
        """Raises KeyError, naming every variable that is missing or empty, and ValueError for what is no number."""
        types = {field.name: field.type for field in fields(cls)}
        missing = [name.upper() for name in types if not variables.get(name.upper())]
        if missing:
            raise KeyError(f"Set {', '.join(missing)} in the function's environment.")
        values: dict[str, Any] = {name: variables[name.upper()] for name in types}
        values |= {name: int(values[name]) for name, type_ in types.items() if type_ == "int"}
        return cls(**values)


@dataclass(frozen=True, kw_only=True)
class IngestVariables(EnvironmentVariables):
    """What `LambdaStack` tells the ingest function. `outcome_retention` in days."""

    event_bus_name: str
    event_source: str
    outcome_retention: int


@dataclass(frozen=True, kw_only=True)
class SchemaVariables(EnvironmentVariables):
    """What `SchemaStack` tells the schema function. The retentions are in days."""

    db_reader_password_param: str
    text_retention: int
    outcome_retention: int
