"""Places where a container runs, each behind boundaries of its own: two, for what Lambda does at the same moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from local.emulator import Emulator
from local.postgres import PostgresServer
from tests.chaos.aws_boundary import AwsBoundary
from tests.chaos.containers import INGEST, SCHEMA, Container, Zygote
from tests.chaos.faults import Crossings, Fault, Surroundings
from tests.chaos.postgres_boundary import PostgresBoundary

# Seconds for which one container waits for the other: longer would mean that the other waits for it.
_HOLD = 0.3
# Seconds that a connection is still open at the server after the container at its other end is gone.
_LINGER = 0.2
# Seconds; more than any invocation takes.
_PATIENCE = 60


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the slots have in common. `code`: where the package was unpacked; `terminate` and `crash`: see faults."""

    emulator: Emulator
    postgres: PostgresServer
    code: Path
    directory: Path
    environment: Mapping[str, str]
    terminate: Callable[[], None]
    crash: Callable[[], None]


class Slot:
    """One container of the ingest function, kept warm, or one of the schema function, one invocation at a time."""

    def __init__(self, name: str, parts: Parts) -> None:
        self.name = name
        self.crossings = Crossings()
        self.kills = 0
        """How many containers were killed by a fault."""
        self.other: Slot | None = None
        self._parts = parts
        self._stack = ExitStack()
        self._container: Container | None = None
        self._active: Container | None = None
        self._is_idle = threading.Event()
        self._is_idle.set()

    def __enter__(self) -> Self:
        surroundings = Surroundings(
            crossings=self.crossings,
            kill=self._kill,
            wait_for_other=self._wait_for_other,
            wait_for_end=self._wait_for_end,
            terminate=self._parts.terminate,
            crash=self._parts.crash,
        )
        with ExitStack() as stack:
            self._postgres = stack.enter_context(PostgresBoundary(self._parts.postgres, surroundings))
            self._aws = stack.enter_context(AwsBoundary(self._parts.emulator.url, surroundings))
            environment = {
                **self._parts.emulator.environment(),
                **self._parts.environment,
                "AWS_ENDPOINT_URL": self._aws.url,
                "DB_ENDPOINT_PARAM": f"/tap/test/database/endpoint-{self.name}",
                "PGHOSTADDR": "127.0.0.1",
                "PGSSLROOTCERT": str(self._parts.postgres.ca_file),
            }
            self.log = self._parts.directory / f"{self.name}.log"
            self._zygote = stack.enter_context(Zygote(self._parts.code, environment, log=self.log))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self._stack.close()

    @property
    def endpoint(self) -> str:
        """What the functions take for the database's."""
        return f"{self._parts.postgres.hostname}:{self._postgres.port}"

    def reserve(self) -> None:
        """From here on the other slot waits for this one, if a fault holds it."""
        self._is_idle.clear()

    def release(self) -> None:
        """There is nothing to do here, after all."""
        self._is_idle.set()

    def ingest(
        self, messages: Sequence[dict[str, Any]], faults: Sequence[Fault], *, is_cold: bool, seconds: float
    ) -> list[str]:
        """The ids of the messages that failed; `seconds` is the function's timeout. Raises InvocationFailed."""
        if is_cold or (self._container and not self._container.is_alive):
            self.end()
        if self._container is None:
            self._container = self._zygote.start(INGEST)
        answer = self._invoke(self._container, {"Records": list(messages)}, faults, seconds)
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def schema(self, event: Mapping[str, bool], faults: Sequence[Fault], *, seconds: float) -> Any:
        """The answer of the schema function. Raises InvocationFailed."""
        container = self._zygote.start(SCHEMA)
        try:
            return self._invoke(container, event, faults, seconds)
        finally:
            container.end()

    def end(self) -> None:
        """Lambda has no use for the container any more."""
        if self._container:
            self._container.end()
            self._container = None

    def wait_until_quiet(self) -> None:
        """Until nothing that ended containers left on its way is under way any more."""
        self._postgres.wait_until_quiet()
        self._aws.wait_until_quiet()

    def _invoke(self, container: Container, event: Any, faults: Sequence[Fault], seconds: float) -> Any:
        self.reserve()
        self._active = container
        self.crossings.arm(faults)
        try:
            return container.invoke(event, seconds=seconds)
        finally:
            self.crossings.arm(())
            self._active = None
            self._is_idle.set()

    def _kill(self) -> None:
        if self._active:
            self.kills += 1
            self._active.kill()

    def _wait_for_other(self) -> None:
        if self.other:
            self.other._is_idle.wait(_HOLD)

    def _wait_for_end(self) -> None:
        self._is_idle.wait(_PATIENCE)
        time.sleep(_LINGER)
