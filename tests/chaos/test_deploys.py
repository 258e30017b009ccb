"""A deploy that was killed goes on, and what was changed by hand is put right: a small part of `make chaos`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.cdktf import Cdktf
from local.emulator import Emulator
from tests.chaos.drift import DRIFTS
from tests.chaos.killing import changes, differences, killed, repaired
from tests.e2e.inventory import existing

# Without queues and databases, which the provider would wait for.
STACK = "tap-vpc-dev"
STATES = "tap-state"


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

    before, ec2 = existing(emulator), emulator.client("ec2")
    assert killed(cdktf, STACK, when=lambda _: len(ec2.describe_security_groups()["SecurityGroups"]) > 1)
    assert repaired(cdktf, emulator, deploy_again).unlocked == 1
    assert differences([cdktf], emulator, before) == []
    drift = DRIFTS["security group's rule deleted"]
    drift.change(emulator.client, "dev")
    [found] = changes(cdktf, STACK)
    assert found.startswith(f"{drift.found}.")
    deploy_again()
    assert changes(cdktf, STACK) == []
