"""The database's address and credential, in Parameter Store."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from handler.environment_variables import EnvironmentVariables
from handler.errors import MissingParameter
from handler.recording.reader import READER

# Seconds for which fetched parameters are used again: a database that moves to another port is found after them. Only
# opening a connection asks for them.
CACHED_FOR = 60


@dataclass(frozen=True, kw_only=True)
class DatabaseParameters:
    """How to reach the database, and as whom: the reader, unless a parameter says otherwise.

    `endpoint` is `host:port`.
    """

    endpoint: str
    username: str = READER
    password: str = field(repr=False)
    name: str


class ParameterStore:
    """Fetches the parameters that the environment names. `client` is botocore's for SSM."""

    def __init__(
        self, client: Any, environment: EnvironmentVariables, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._environment = environment
        self._clock = clock
        self._cached: DatabaseParameters | None = None
        self._fetched_at = 0.0

    def database(self) -> DatabaseParameters:
        """What was fetched within the last minute, or else `fetch_database`."""
        if self._cached and self._clock() - self._fetched_at < CACHED_FOR:
            return self._cached
        return self.fetch_database()

    def fetch_database(self) -> DatabaseParameters:
        """All of these parameters in one call. Raises MissingParameter."""
        names = self._environment.database_params()
        values = self._fetch(*names.values())
        self._cached = DatabaseParameters(**{field: values[name] for field, name in names.items()})
        self._fetched_at = self._clock()
        return self._cached

    def fetch(self, name: str) -> str:
        """One parameter. Raises MissingParameter."""
        return self._fetch(name)[name]

    def _fetch(self, *names: str) -> dict[str, str]:
        answer = self._client.get_parameters(Names=list(names), WithDecryption=True)
        if answer["InvalidParameters"]:
            missing = ", ".join(sorted(answer["InvalidParameters"]))
            raise MissingParameter(f"Parameter Store does not hold {missing}.")
        return {parameter["Name"]: parameter["Value"] for parameter in answer["Parameters"]}
