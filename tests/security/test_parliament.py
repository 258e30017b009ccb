"""parliament, which reads IAM policies offline, finds nothing in any policy of `dev`, `prod` and the account."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.security import iam
from tests.security.concrete import concrete
from tests.unit.synthesized import Block, Platform, walk

PARLIAMENT = Path(__file__).parents[2] / ".venv-security" / "bin" / "parliament"

# What it says of these was reviewed and stays, by resource type and title.
EXCEPTIONS = {
    ("aws_iam_role_policy", "RESOURCE_MISMATCH"): (
        "AWS names `arn:...:*/*` for network interfaces, and Lambda refuses a role with `network-interface/*` alone:"
        " https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions,"
        " https://github.com/hashicorp/terraform-provider-aws/issues/20698"
    ),
    ("aws_iam_role_policy", "UNKNOWN_CONDITION_FOR_ACTION"): (
        "`lambda:SourceFunctionArn` is Lambda's, and goes with the actions of every service:"
        " https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html"
    ),
    ("aws_iam_policy", "UNKNOWN_CONDITION_FOR_ACTION"): (
        "parliament does not know `lambda:InvokedViaFunctionUrl` of October 2025 yet:"
        " https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
    ),
    ("aws_kms_key", "RESOURCE_STAR"): (
        "in a key's policy `*` is the key itself:"
        " https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html"
    ),
    ("aws_kms_key", "UNKNOWN_CONDITION_FOR_ACTION"): "KMS's context in the words of AWS's own page, as below",
    ("aws_kms_key", "MISMATCHED_TYPE"): (
        "the value of this context is an ARN:"
        " https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html"
    ),
}


def policies(platform: Platform) -> Iterator[tuple[str, str, Block]]:
    """Every policy, with its stack and the type of its resource.

    Trust policies are left out: parliament wants a `Resource` in them, which IAM refuses there.
    """
    for stack in platform.values():
        for kind, block in stack.all_resources():
            for key, value in walk(block):
                if key in ("policy", "policy_document"):
                    yield stack.id, kind, iam.policy(concrete(value))


def findings(document: Block) -> list[str]:
    """The titles of what parliament finds in a policy."""
    answer = subprocess.run(
        [str(PARLIAMENT), "--json", "--string", json.dumps(document)], capture_output=True, text=True, check=False
    )
    # 0 and 1 both stand for findings and for none, depending on their severity.
    assert answer.returncode in (0, 1), answer.stderr
    assert "Traceback" not in answer.stderr, answer.stderr
    return [json.loads(line)["issue"] for line in answer.stdout.splitlines() if line.startswith("{")]


@pytest.fixture(scope="module")
def found(platform: Platform, summary: list[str]) -> list[tuple[str, str, str]]:
    """Stack, resource type and title of every finding."""
    if not PARLIAMENT.is_file():
        pytest.fail(f"{PARLIAMENT} is missing: `make security` installs it")
    read = list(policies(platform))
    assert {kind for _, kind, _ in read} >= {
        *("aws_iam_policy", "aws_iam_role_policy", "aws_sqs_queue", "aws_s3_bucket_policy"),
    }
    found = [(stack, kind, title) for stack, kind, document in read for title in findings(document)]
    excepted = sum(finding[1:] in EXCEPTIONS for finding in found)
    summary.append(
        f"parliament: {len(read)} policies read, {len(found) - excepted} findings, {excepted} excepted"
        f" ({len(EXCEPTIONS)} reasons)"
    )
    return found


def test_nothing_was_found_that_is_not_excepted(found: list[tuple[str, str, str]]) -> None:
    """Identity and resource policies alike."""
    assert [finding for finding in found if finding[1:] not in EXCEPTIONS] == []


def test_no_exception_is_stale(found: list[tuple[str, str, str]]) -> None:
    """An exception that excuses nothing would excuse the next fault."""
    assert EXCEPTIONS.keys() - {finding[1:] for finding in found} == set()


@pytest.mark.parametrize(
    ("action", "resource", "title"),
    [
        pytest.param("s3:GetObjects", "arn:aws:s3:::tap/*", "UNKNOWN_ACTION", id="an action that does not exist"),
        pytest.param("s3:GetObject", "arn:aws:s3:::tap", "RESOURCE_MISMATCH", id="a resource of another kind"),
        pytest.param("s3:GetObject", "*", "RESOURCE_STAR", id="every resource"),
    ],
)
def test_fault_is_found(action: str, resource: str, title: str) -> None:
    """parliament understands what it is given."""
    statement = {"Effect": "Allow", "Action": [action], "Resource": [resource]}
    assert findings(iam.policy([statement])) == [title]
