"""Names are within what AWS takes, for the longest suffix as well."""

import re

import pytest

from stacks.names import (
    MaxLength,
    access_log_bucket_name,
    bucket_name,
    event_log_group_name,
    function_log_group_name,
    parameter_prefix,
    resource_name,
    state_bucket_name,
)
from stacks.settings import MAX_SUFFIX_LENGTH
from tests.unit.synthesized import Platform

LONGEST = "twenty-characters-20"

# Characters that AWS takes, from each service's own page.
LIMITS = {
    ("aws_s3_bucket", "bucket"): 63,
    ("aws_sqs_queue", "name"): 80,
    ("aws_db_instance", "identifier"): 63,
    ("aws_db_instance", "final_snapshot_identifier"): 255,
    ("aws_db_parameter_group", "name"): 255,
    ("aws_db_subnet_group", "name"): 255,
    ("aws_security_group", "name"): 255,
    ("aws_cloudwatch_event_bus", "name"): 256,
    ("aws_cloudwatch_event_rule", "name"): 64,
    ("aws_cloudwatch_event_archive", "name"): 48,
    ("aws_cloudwatch_log_group", "name"): 512,
    ("aws_iam_role", "name"): 64,
    ("aws_iam_role_policy", "name"): 128,
    ("aws_iam_policy", "name"): 128,
    ("aws_lambda_function", "function_name"): 64,
    ("aws_ssm_parameter", "name"): 1011,
    ("aws_cloudwatch_metric_alarm", "alarm_name"): 255,
    ("aws_cloudwatch_dashboard", "dashboard_name"): 255,
    ("aws_cloudwatch_query_definition", "name"): 255,
    ("aws_sns_topic", "name"): 256,
}


def test_the_longest_suffix_fits_everywhere(platform: Platform) -> None:
    """With twenty characters and a real account id every name is within its limit."""
    assert len(LONGEST) == MAX_SUFFIX_LENGTH
    too_long = {
        name
        for stack_id, stack in platform.items()
        if stack_id.endswith(LONGEST)
        for kind, block in stack.all_resources()
        for (named, attribute), limit in LIMITS.items()
        if kind == named and len(name := block.get(attribute, "").replace("{account}", "1" * 12)) > limit
    }
    assert too_long == set()


@pytest.mark.parametrize("suffix", ["dev", LONGEST])
def test_names_say_what_and_of_which_environment(platform: Platform, suffix: str) -> None:
    """Every physical name contains `tap` and the suffix, so that environments never meet."""
    nameless = {
        (kind, attribute, block[attribute])
        for stack_id, stack in platform.items()
        if stack_id.endswith(f"-{suffix}")
        for kind, block in stack.all_resources()
        for named, attribute in LIMITS
        if kind == named and attribute in block and not re.search(rf"\btap\b.*\b{suffix}\b", block[attribute])
    }
    assert nameless == set()


def test_resource_name() -> None:
    """`tap-{service}-{suffix}`."""
    assert resource_name("ingest", "pr42", MaxLength.QUEUE) == "tap-ingest-pr42"


def test_bucket_name_ends_in_the_account_id() -> None:
    """Bucket names are global."""
    assert bucket_name("uploads", "pr42", "1" * 12) == f"tap-uploads-pr42-{'1' * 12}"


def test_state_bucket_name_has_no_environment() -> None:
    """There is one per account and region."""
    assert state_bucket_name("eu-west-1", "1" * 12) == f"tap-state-eu-west-1-{'1' * 12}"


def test_access_log_bucket_name_has_no_environment() -> None:
    """There is one per account and region, and no environment's bucket can have its name."""
    assert access_log_bucket_name("eu-west-1", "1" * 12) == f"tap-access-logs-eu-west-1-{'1' * 12}"


def test_log_group_and_parameter_names() -> None:
    """They are where EventBridge, Lambda and the role expect them."""
    assert event_log_group_name("pr42") == "/aws/events/tap-application-events-pr42"
    assert function_log_group_name("tap-lambda-pr42") == "/aws/lambda/tap-lambda-pr42"
    assert parameter_prefix("pr42") == "/tap/pr42/"


def test_a_name_of_exactly_the_limit_is_taken() -> None:
    """`tap-` and `-dev` leave 56 characters of a role's 64."""
    assert len(resource_name("x" * 56, "dev", MaxLength.ROLE)) == 64


def test_a_service_name_that_is_too_long_is_refused() -> None:
    """The message names the name, its length, the limit and the fix."""
    with pytest.raises(
        ValueError, match=r"^the name 'tap-x+-dev' has 65 characters; AWS takes 64( \(ROLE\))?: shorten it"
    ):
        resource_name("x" * 57, "dev", MaxLength.ROLE)


def test_a_bucket_name_is_measured_with_a_real_account_id() -> None:
    """The account id is a token when the name is made, shorter or longer than twelve digits."""
    assert bucket_name("x" * 42, "dev", "${token}")
    with pytest.raises(ValueError, match=r"has 64 characters; AWS takes 63( \(BUCKET\))?: shorten it"):
        bucket_name("x" * 43, "dev", "${token}")
