"""A deploy that was killed goes on, and what was changed by hand is put right: a small part of `make chaos`."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from local.cdktf import Cdktf
from local.emulator import Emulator
from tests.chaos.connections import Connections
from tests.chaos.drift import DRIFTS
from tests.chaos.killing import changes, differences, killed, repaired
from tests.e2e.inventory import existing

# Without queues and databases, which the provider would wait for.
STACK = "tap-vpc-dev"
STATES = "tap-state"
_CHUNK = 65_536


class Gate(Connections):
    """Lies before the emulator, and shuts when somebody asks for this operation: from then on nothing passes."""

    def __init__(self, emulator: Emulator, operation: str) -> None:
        super().__init__("gate")
        self._emulator = urlsplit(emulator.url)
        self._operation = f"Action={operation}&".encode()
        self._shut = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_shut(self) -> bool:
        return self._shut.is_set()

    def serve(self, client: socket.socket) -> None:
        with socket.create_connection((self._emulator.hostname, self._emulator.port)) as emulator:
            answers = threading.Thread(target=_pass_on, args=[emulator, client], daemon=True)
            answers.start()
            while content := client.recv(_CHUNK):
                if self._operation in content:
                    self._shut.set()
                if not self.is_shut:
                    emulator.sendall(content)
            emulator.shutdown(socket.SHUT_WR)
            answers.join()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while content := source.recv(_CHUNK):
            sink.sendall(content)


@pytest.fixture
def emulator(short_path: Path) -> Iterator[Emulator]:
    with Emulator(log=short_path / "emulator.log") as emulator:
        emulator.client("s3").create_bucket(Bucket=STATES)
        yield emulator


@pytest.fixture
def cdktf(emulator: Emulator, short_path: Path) -> Cdktf:
    return Cdktf(
        directory=short_path / "cdktf",
        emulator=emulator,
        variables={"ENVIRONMENT_SUFFIX": "dev", "TF_STATE_BUCKET": STATES},
        tables={},
        log=short_path / "log",
    )


def test_killed_deploy_goes_on_and_drift_is_put_right(cdktf: Cdktf, emulator: Emulator) -> None:
    """One test, since a deploy takes longer than to look at what it made.

    The lock is there, and its id is what unlocks it; what AWS has and the state has not is taken in; nothing is twice.
    """

    def deploy_again() -> None:
        """As cdktf does it, without its start."""
        command = ["terraform", "apply", "-auto-approve", "-input=false"]
        cdktf._run(command, cdktf.directory / "cdktf.out" / "stacks" / STACK)

    before = existing(emulator)
    # However slow this machine is, the deploy is not over before it is killed.
    with Gate(emulator, "AuthorizeSecurityGroupIngress") as gate:
        cdktf.environment["AWS_ENDPOINT_URL"] = gate.url
        assert killed(cdktf, STACK, when=lambda _: gate.is_shut)
    cdktf.environment["AWS_ENDPOINT_URL"] = emulator.url
    assert repaired(cdktf, emulator, deploy_again).unlocked == 1
    assert differences([cdktf], emulator, before) == []
    drift = DRIFTS["security group's rule deleted"]
    drift.change(emulator.client, "dev")
    [found] = changes(cdktf, STACK)
    assert found.startswith(f"{drift.found}.")
    deploy_again()
    assert changes(cdktf, STACK) == []
