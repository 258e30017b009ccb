"""Stacks are deployed in the design's order, and the account's stands apart."""

from graphlib import TopologicalSorter

import pytest

from tests.unit.synthesized import Platform

SERVICES = (
    *("s3", "vpc", "rds", "eventbridge", "parameter", "iam", "schema", "lambda", "results"),
    *("monitoring", "outputs"),
)

DEPENDENCIES = {
    "s3": set(),
    "vpc": set(),
    "rds": {"vpc"},
    "eventbridge": set(),
    "parameter": {"rds"},
    "iam": {"s3", "eventbridge"},
    # The password's parameter, which ParameterStack hands on, is RdsStack's.
    "schema": {"iam", "parameter", "s3", "vpc", "rds"},
    "lambda": {"iam", "parameter", "eventbridge", "s3", "vpc", "rds", "schema"},
    # Nothing of the ingest function's: neither waits for the other.
    "results": {"iam", "parameter", "s3", "vpc", "schema"},
    "monitoring": {"s3", "rds", "eventbridge", "schema", "lambda", "results"},
}


def test_each_environment_has_eleven_stacks(platform: Platform) -> None:
    """Several environments in one run, and one account."""
    assert set(platform) == {
        "tap-account",
        *(
            f"tap-{service}-{suffix}"
            for suffix in ("dev", "staging", "prod", "twenty-characters-20")
            for service in SERVICES
        ),
    }


def test_one_environment_makes_twelve_stacks(changed: Platform) -> None:
    """The account's and the eleven of the environment."""
    assert set(changed) == {"tap-account", *(f"tap-{service}-pr42" for service in SERVICES)}


@pytest.mark.parametrize("service", DEPENDENCIES)
def test_dependencies(platform: Platform, service: str) -> None:
    """A stack waits for those that it takes something from, of its own environment."""
    assert platform.dependencies[f"tap-{service}-dev"] == {f"tap-{other}-dev" for other in DEPENDENCIES[service]}


def test_outputs_come_last(platform: Platform) -> None:
    """They wait, directly or not, for every other stack of the environment, and nobody waits for them."""
    dependencies = platform.dependencies
    waiting, seen = ["tap-outputs-dev"], set[str]()
    while waiting:
        for stack_id in dependencies[waiting.pop()] - seen:
            seen.add(stack_id)
            waiting.append(stack_id)
    assert seen == {f"tap-{service}-dev" for service in SERVICES if service != "outputs"}
    assert not [stack_id for stack_id, others in dependencies.items() if "tap-outputs-dev" in others]


def test_order_has_no_cycle(platform: Platform) -> None:
    """There is a first stack and a last one."""
    assert len(list(TopologicalSorter(platform.dependencies).static_order())) == len(platform)


def test_the_account_depends_on_nothing(platform: Platform) -> None:
    """It is deployed before any environment exists."""
    assert platform.dependencies["tap-account"] == set()


def test_nothing_depends_on_the_account(platform: Platform) -> None:
    """So that an environment is deployed and destroyed alone."""
    assert not [stack_id for stack_id, others in platform.dependencies.items() if "tap-account" in others]


def test_environments_do_not_depend_on_each_other(platform: Platform) -> None:
    """Destroying one never touches another."""
    crossing = {
        (stack_id, other)
        for stack_id, others in platform.dependencies.items()
        for other in others
        if stack_id.split("-", 2)[2] != other.split("-", 2)[2]
    }
    assert crossing == set()
