"""checkov finds nothing in `dev`, `prod` and the account stack that was not reviewed and accepted."""

import json
import shutil
from pathlib import Path

import pytest

from tests.security import checkov
from tests.security.checkov import Accepted, Finding, Scan
from tests.unit.synthesized import Platform

# As many as ran when this was written, less a few. checkov ends with success when it understood nothing.
FEWEST_CHECKS = {"account": 120, "dev": 220, "prod": 220}
MOST_RULES_EXCEPTED_IN_PROD = 11


@pytest.fixture(scope="module")
def exceptions() -> list[Accepted]:
    return checkov.load_exceptions()


@pytest.fixture(scope="module")
def scan(synthesized: Path, exceptions: list[Accepted], summary: list[str]) -> Scan:
    if not checkov.CHECKOV.is_file():
        pytest.fail(f"{checkov.CHECKOV} is missing: `make security` installs it")
    scan = checkov.scan(synthesized)
    for name in FEWEST_CHECKS:
        findings = [finding for finding in scan.findings if environment(finding.resource) == name]
        failed = len(checkov.unexpected(findings, exceptions))
        rules = {finding.rule for finding in findings}
        summary.append(
            f"checkov {name:8} {checks(scan, name)} checks run, {failed} failed,"
            f" {len(findings) - failed} excepted ({len(rules)} rules)"
        )
    return scan


def environment(stack_or_path: str) -> str:
    """`account`, `dev` or `prod`."""
    return stack_or_path.partition("/")[0].rpartition("-")[2]


def checks(scan: Scan, name: str) -> int:
    """How many checks ran in `account`, `dev` or `prod`."""
    return sum(number for stack, number in scan.checks.items() if environment(stack) == name)


def test_every_stack_was_parsed(scan: Scan) -> None:
    """A file that checkov cannot read is no error to it."""
    assert list(scan.unparsed) == []


def test_every_stack_with_resources_was_checked(scan: Scan, platform: Platform) -> None:
    """Of some files checkov reads nothing, without a word (https://github.com/bridgecrewio/checkov/issues/7454)."""
    assert {name for name, stack in platform.items() if stack.inventory and not scan.checks[name]} == set()


@pytest.mark.parametrize("name", FEWEST_CHECKS)
def test_enough_checks_ran(scan: Scan, name: str) -> None:
    """Rules that silently no longer apply would look like faults that were mended."""
    assert checks(scan, name) >= FEWEST_CHECKS[name]


def test_nothing_was_found_that_is_not_excepted(scan: Scan, exceptions: list[Accepted]) -> None:
    """Every finding is closed, or stands in `checkov-exceptions.toml` with its reason."""
    findings = checkov.unexpected(scan.findings, exceptions)
    assert not findings, "checkov found:\n" + "\n".join(findings)


def test_no_exception_is_stale(scan: Scan, exceptions: list[Accepted]) -> None:
    """An exception that excuses nothing would excuse the next fault."""
    unneeded = checkov.stale(scan.findings, exceptions)
    assert not unneeded, "remove from checkov-exceptions.toml:\n" + "\n".join(unneeded)


def test_prod_needs_few_exceptions(scan: Scan) -> None:
    """Production is the environment to which no rule yields for convenience."""
    rules = {finding.rule for finding in scan.findings if environment(finding.resource) == "prod"}
    assert len(rules) <= MOST_RULES_EXCEPTED_IN_PROD, sorted(rules)


def test_a_fault_of_one_environment_is_found(synthesized: Path, scan: Scan, tmp_path: Path) -> None:
    """That `dev` has what `prod` lacks deceives nobody, though the ids of their blocks are the same."""
    copy = Path(shutil.copytree(synthesized, tmp_path / "cdktf.out"))
    file = copy / "stacks" / "tap-s3-prod" / "cdk.tf.json"
    document = json.loads(file.read_text())
    del document["resource"]["aws_s3_bucket_public_access_block"]
    file.write_text(json.dumps(document))
    found = {(finding.rule, finding.resource) for finding in set(checkov.scan(copy).findings) - set(scan.findings)}
    assert found == {("CKV2_AWS_6", "tap-s3-prod/Uploads/Bucket"), ("CKV2_AWS_6", "tap-s3-prod/Artifacts/Bucket")}


def test_a_file_that_checkov_overlooks_is_noticed(synthesized: Path, tmp_path: Path) -> None:
    """What makes checkov forget a file, and end with success, leaves a stack without a check."""
    copy = Path(shutil.copytree(synthesized, tmp_path / "cdktf.out"))
    file = copy / "stacks" / "tap-s3-prod" / "cdk.tf.json"
    document = json.loads(file.read_text())
    document["terraform"]["required_version"] = ">= 1.11"
    file.write_text(json.dumps(document))
    assert not checkov.scan(copy).checks["tap-s3-prod"]


FINDING = Finding(rule="CKV_AWS_0", resource="tap-s3-prod/Uploads/Bucket", title="Ensure it")


@pytest.mark.parametrize(
    ("rule", "resource", "covered"),
    [
        pytest.param("CKV_AWS_0", "tap-s3-prod/Uploads/Bucket", True, id="the same"),
        pytest.param("CKV_AWS_0", "tap-s3-*/Uploads/Bucket", True, id="a pattern"),
        pytest.param("CKV_AWS_1", "tap-s3-*/Uploads/Bucket", False, id="another rule"),
        pytest.param("CKV_AWS_0", "tap-s3-dev/Uploads/Bucket", False, id="another resource"),
    ],
)
def test_an_exception_is_for_a_rule_and_a_resource(rule: str, resource: str, covered: bool) -> None:
    """What it does not cover is told in a line, and it is stale itself."""
    exceptions = [Accepted(rule=rule, resource=resource, reason="because")]
    line = "CKV_AWS_0 tap-s3-prod/Uploads/Bucket: Ensure it"
    assert checkov.unexpected([FINDING], exceptions) == ([] if covered else [line])
    assert checkov.stale([FINDING], exceptions) == ([] if covered else [f"{rule} {resource}"])
