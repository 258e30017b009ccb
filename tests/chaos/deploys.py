"""Deploys that are killed, an environment that is destroyed beside others, drift: `python -m tests.chaos deploys`.

Two accounts are emulated side by side, since the provider waits most of the time. In one, each stack is killed while it
is deployed by itself; in the other, whole environments are. Each case has its own seed, and what came of it is kept in
figures.json: the next run kills only what is missing there, and deploys the rest as it is.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from local import processes
from local.cdktf import Cdktf
from local.deployment import Deployment
from local.emulator import REGION, Emulator
from stacks.names import state_bucket_name
from tests.chaos.drift import DRIFTS
from tests.chaos.killing import changes, differences, killed, repaired, sweep
from tests.e2e.inventory import existing
from tests.e2e.stacks import SERVICES

ACCOUNT = "tap-account"
# The first is deployed stack by stack, with each of them killed; of the second, some stacks are.
SINGLE = (ACCOUNT, *(f"tap-{service}-{suffix}" for suffix in ("one", "two") for service in SERVICES))
WHOLE = tuple(f"tap-*-{suffix}" for suffix in ("one", "two", "three"))
# Of the second, so that it is seventeen in all.
_LEFT_ALONE = frozenset(
    f"tap-{service}-two" for service in ("monitoring", "outputs", "parameter", "rds", "results", "schema")
)
KILLS = len(SINGLE) - len(_LEFT_ALONE) + len(WHOLE)

Note = Callable[[str, Mapping[str, Any]], None]


@dataclass(frozen=True)
class Moment:
    """When a deploy is killed: once this share of its resources is begun, and so many seconds later, or at the last."""

    share: float
    delay: float

    @classmethod
    def of(cls, case: str) -> Moment:
        chance = random.Random(case)  # noqa: S311 - the same at each call
        return cls(share=chance.uniform(0, 0.8), delay=chance.choice((0, 0, 1, 5, 20)))

    def has_come(self, resources: int) -> Callable[[Deployment], bool]:
        """For a deploy of so many resources, to be asked again and again."""
        begun: list[float] = []

        def has_come(deployment: Deployment) -> bool:
            if not begun and deployment.changed + len(deployment.waiting) >= max(1, math.floor(self.share * resources)):
                begun.append(time.monotonic())
            is_late = bool(begun) and time.monotonic() - begun[0] >= self.delay
            return is_late or deployment.changed >= resources - 1

        return has_come


class Account:
    """An emulated account with real databases and functions, and whoever deploys to it."""

    def __init__(self, directory: Path, emulator: Emulator) -> None:
        self.emulator = emulator
        self._directory = directory
        self._nothing = existing(emulator)
        account_id = emulator.client("sts").get_caller_identity()["Account"]
        self._state_bucket = state_bucket_name(REGION, account_id)
        self._deployers: dict[str, Cdktf] = {}

    def deployer(self, stack: str) -> Cdktf:
        """By the end of a stack's name. That of the account keeps its state in a file, the others in S3."""
        suffix = stack.rpartition("-")[2]
        if suffix not in self._deployers:
            variables = {"ENVIRONMENT_SUFFIX": suffix, "TF_STATE_BUCKET": self._state_bucket}
            self._deployers[suffix] = Cdktf(
                directory=self._directory / suffix,
                emulator=self.emulator,
                variables={} if stack == ACCOUNT else variables,
                tables={} if stack == ACCOUNT else {suffix: {"database_port": processes.free_port()}},
                log=self._directory / f"{suffix}.log",
            )
        return self._deployers[suffix]

    def deploy(self, stacks: str) -> None:
        self.deployer(stacks).run("deploy", stacks, *_options(stacks))

    def kill_and_repair(self, stacks: str) -> dict[str, Any]:
        """Deploys a stack or an environment, kills that, and does what it takes; what came of it, for the figures."""
        cdktf, moment = self.deployer(stacks), Moment.of(stacks)
        cdktf.synth()
        was_killed = killed(cdktf, stacks, *_options(stacks), when=moment.has_come(_resources(cdktf, stacks)))
        repair = repaired(cdktf, self.emulator, partial(self.deploy, stacks))
        repair.swept = sweep(self._deployers.values(), self.emulator, self._nothing)
        return {"killed": was_killed, **asdict(repair), "wrong": self.wrong(*_stacks(stacks))}

    def wrong(self, *stacks: str) -> list[str]:
        """How AWS, the states and the code differ, in words."""
        found = differences(self._deployers.values(), self.emulator, self._nothing)
        for stack in stacks:
            found += [f"{stack} would change {address}" for address in changes(self.deployer(stack), stack)]
        return found

    def destroy_one(self, suffix: str, *, beside: Sequence[str]) -> dict[str, Any]:
        """Destroys an environment: of the others and of the account nothing is missing, nothing is changed."""
        before = existing(self.emulator)
        self.deployer(f"tap-*-{suffix}").run("destroy", f"tap-*-{suffix}")
        after = existing(self.emulator)
        others = [stack for other in beside for stack in _stacks(f"tap-*-{other}")]
        return {
            "wrong": [
                *(f"left over: {it.type} {it.name}" for it in after if it.name.split("/")[0].endswith(f"-{suffix}")),
                *self.wrong(ACCOUNT, *others),
            ],
            "destroyed": (before - after).total(),
        }

    def drift(self, suffix: str) -> dict[str, Any]:
        """Changes all by hand that `DRIFTS` has: plans find each, one deploy takes it back."""
        for drift in DRIFTS.values():
            drift.change(self.emulator.client, suffix)
        services = {drift.service for drift in DRIFTS.values()}
        stacks = {service: f"tap-{service}-{suffix}" for service in services}
        plans = {service: changes(self.deployer(stack), stack) for service, stack in stacks.items()}
        missed = [
            name
            for name, drift in DRIFTS.items()
            if not any(address.startswith(f"{drift.found}.") for address in plans[drift.service])
        ]
        self.deploy(f"tap-*-{suffix}")
        return {"made": len(DRIFTS), "missed": missed, "wrong": self.wrong(*_stacks(f"tap-*-{suffix}"))}


def run(done: Mapping[str, Any], note: Note) -> None:
    """All cases that are not `done`; `note` is told of each as it comes. Ctrl-C ends both halves, and what they run."""
    context = multiprocessing.get_context("spawn")
    halves = []
    for half in (_single, _whole):
        here, there = context.Pipe(duplex=False)
        process = context.Process(target=half, args=(dict(done), there))
        process.start()
        there.close()
        halves.append((process, here))
    working = [here for _, here in halves]
    while working:
        for ready in wait(working):
            assert isinstance(ready, Connection)
            try:
                note(*ready.recv())
            except EOFError:
                working.remove(ready)
    for process, _ in halves:
        process.join()
        if process.exitcode:
            raise ChildProcessError(f"half of the cases ended with exit code {process.exitcode}")


def kills(done: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What came of each deploy that was killed; some were over before that."""
    return [outcome for case, outcome in done.items() if case in (*SINGLE, *WHOLE) and outcome["killed"]]


def wrong(done: Mapping[str, Any]) -> list[str]:
    """All that was wrong after a case, and drift that no plan found."""
    return [line for outcome in done.values() for line in (*outcome["wrong"], *outcome.get("missed", []))]


def summary(done: Mapping[str, Any]) -> str:
    """What all cases so far come to, in a few lines."""
    if not done:
        return ""
    killed = kills(done)
    converged = [outcome for outcome in killed if not outcome["wrong"]]
    took = {
        what: sum(bool(outcome[what]) for outcome in killed) for what in ("unlocked", "imported", "deleted", "swept")
    }
    lines = [
        f"{len(killed)} of {KILLS} deploys killed, {len(converged)} converged",
        f"{took['unlocked']} were unlocked, {took['imported']} had something taken in, {took['deleted']} a secret made"
        f" anew, {took['swept']} something removed that was there twice",
    ]
    if outcome := done.get("destroyed beside others"):
        lines.append(
            f"one environment of three destroyed: {outcome['destroyed']} things gone, {len(outcome['wrong'])} wrong"
        )
    if outcome := done.get("drift"):
        found = outcome["made"] - len(outcome["missed"])
        lines.append(
            f"{outcome['made']} changes by hand, {found} found by a plan, {len(outcome['wrong'])} left after a deploy"
        )
    return "\n".join(lines)


def _single(done: Mapping[str, Any], notes: Connection) -> None:
    missing = [stack for stack in SINGLE if stack not in _LEFT_ALONE and not _was_killed(done, stack)]
    if not missing:
        return
    with _account() as account:
        for stack in SINGLE[: SINGLE.index(missing[-1]) + 1]:
            if stack in missing:
                notes.send((stack, account.kill_and_repair(stack)))
            else:
                account.deploy(stack)


def _whole(done: Mapping[str, Any], notes: Connection) -> None:
    cases = [*WHOLE, "destroyed beside others", "drift"]
    if all(_was_killed(done, case) for case in WHOLE) and all(case in done for case in cases):
        return
    with _account() as account:
        account.deploy(ACCOUNT)
        for environment in WHOLE:
            if _was_killed(done, environment):
                account.deploy(environment)
            else:
                notes.send((environment, account.kill_and_repair(environment)))
        if "destroyed beside others" not in done:
            notes.send(("destroyed beside others", account.destroy_one("two", beside=["one", "three"])))
        if "drift" not in done:
            notes.send(("drift", account.drift("one")))


def _was_killed(done: Mapping[str, Any], case: str) -> bool:
    """A deploy may be over before its moment comes."""
    return case in done and bool(done[case]["killed"])


@contextmanager
def _account() -> Iterator[Account]:
    # Not below a folder of somebody else's: under root, PostgreSQL runs as another user.
    directory = Path(tempfile.mkdtemp(prefix="tap-chaos-")).resolve()
    with Emulator(log=directory / "emulator.log", directory=directory) as emulator:
        yield Account(directory, emulator)
    # The logs that an error names stay.
    shutil.rmtree(directory)


def _options(pattern: str) -> Sequence[str]:
    """Of `cdktf deploy`. A stack is deployed by itself here, after those that it needs.

    Of several, cdktf would begin all at once then, and forget their order.
    """
    return () if "*" in pattern else ("--ignore-missing-stack-dependencies",)


def _stacks(pattern: str) -> list[str]:
    suffix = pattern.rpartition("-")[2]
    return [f"tap-{service}-{suffix}" for service in SERVICES] if "*" in pattern else [pattern]


def _resources(cdktf: Cdktf, pattern: str) -> int:
    """How many resources these stacks have."""
    files = [cdktf.directory / "cdktf.out" / "stacks" / stack / "cdk.tf.json" for stack in _stacks(pattern)]
    return sum(len(by_id) for file in files for by_id in json.loads(file.read_text()).get("resource", {}).values())
