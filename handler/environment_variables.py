"""The functions' environment variables: names of parameters, never their values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self


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
        """Raises KeyError, naming every variable that is missing or empty."""
        names = [field.name for field in fields(cls)]
        missing = [name.upper() for name in names if not variables.get(name.upper())]
        if missing:
            raise KeyError(f"Set {', '.join(missing)} in the function's environment.")
        return cls(**{name: variables[name.upper()] for name in names})


@dataclass(frozen=True, kw_only=True)
class IngestVariables(EnvironmentVariables):
    """What `LambdaStack` tells the ingest function."""

    event_bus_name: str
    event_source: str


@dataclass(frozen=True, kw_only=True)
class SchemaVariables(EnvironmentVariables):
    """What `SchemaStack` tells the schema function."""

    db_reader_password_param: str
