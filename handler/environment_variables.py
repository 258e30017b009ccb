"""The function's environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class EnvironmentVariables:
    """What `LambdaStack` tells the function: names of parameters, never their values."""

    environment: str
    db_endpoint_param: str
    db_username_param: str
    db_password_param: str
    db_name_param: str
    event_bus_name: str
    event_source: str

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> EnvironmentVariables:
        """Raises KeyError, naming every variable that is missing or empty."""
        names = [field.name for field in fields(cls)]
        missing = [name.upper() for name in names if not variables.get(name.upper())]
        if missing:
            raise KeyError(f"Set {', '.join(missing)} in the function's environment.")
        return cls(**{name: variables[name.upper()] for name in names})
