"""A protected environment is refused as a whole, and what holds its data keeps its address."""

import pytest

from tests.unit.conftest import Synthesize
from tests.unit.synthesized import Platform, Stack

SERVICES = (
    *("s3", "vpc", "rds", "eventbridge", "parameter", "iam", "schema", "lambda", "results"),
    *("monitoring", "outputs"),
)
UNPROTECT = "terraform_data.set_protected_to_false_and_deploy_first"
MAKE_DISPOSABLE = "terraform_data.set_disposable_to_true_and_deploy_first"


@pytest.fixture(scope="module")
def given_up(synthesize: Synthesize) -> Platform:
    """`prod` with its protection off."""
    return synthesize({"ENVIRONMENT_SUFFIX": "prod"}, {"prod": {"protected": False}})


def refused(stack: Stack) -> set[str]:
    """The addresses that Terraform refuses to destroy."""
    return {
        f"{kind}.{name}"
        for kind, blocks in stack.document.get("resource", {}).items()
        for name, block in blocks.items()
        if block.get("lifecycle", {}).get("prevent_destroy")
    }


@pytest.mark.parametrize("suffix", ["staging", "prod"])
@pytest.mark.parametrize("service", SERVICES)
def test_every_stack_of_a_protected_environment_refuses(platform: Platform, service: str, suffix: str) -> None:
    """By a resource whose address says what to do: Terraform tells it, and touches nothing."""
    assert (MAKE_DISPOSABLE if service == "s3" else UNPROTECT) in refused(platform[f"tap-{service}-{suffix}"])


@pytest.mark.parametrize("service", SERVICES)
def test_a_disposable_environment_refuses_nothing(platform: Platform, service: str) -> None:
    """It goes as it came."""
    assert refused(platform[f"tap-{service}-dev"]) == set()


@pytest.mark.parametrize(("suffix", "protected"), [("dev", False), ("prod", True)])
@pytest.mark.parametrize("service", SERVICES)
def test_the_guard_of_every_stack_knows_how_it_was_deployed(
    platform: Platform, service: str, suffix: str, protected: bool
) -> None:
    """A setting that was changed and not deployed takes no protection away: the guard goes first, and refuses."""
    stack = platform[f"tap-{service}-{suffix}"]
    guard = stack.resource("terraform_data")
    assert guard["input"] == {"protected": protected}
    [provisioner] = guard["provisioner"]
    assert provisioner["local-exec"]["when"] == "destroy"
    assert provisioner["local-exec"]["environment"] == {"PROTECTED": "${self.output.protected}"}
    [(_, block)] = stack.document["resource"]["terraform_data"].items()
    others = {f"{kind}.{name}" for kind, names in stack.document["resource"].items() for name in names}
    assert set(block.get("depends_on", [])) == {it for it in others if not it.startswith("terraform_data.")}


@pytest.mark.parametrize("service", SERVICES)
def test_an_environment_that_is_given_up_keeps_its_uploads_alone(given_up: Platform, service: str) -> None:
    """With its protection off, `tap-s3` still refuses."""
    assert bool(refused(given_up[f"tap-{service}-prod"])) is (service == "s3")


def test_an_environment_that_is_given_up_leaves_a_snapshot_and_backups(given_up: Platform) -> None:
    """The database may go; what it held stays."""
    instance = given_up["tap-rds-prod"].resource("aws_db_instance")
    settings = ("deletion_protection", "skip_final_snapshot", "delete_automated_backups")
    assert {name: instance[name] for name in settings} == dict.fromkeys(settings, False)


def test_an_update_may_replace_what_holds_nothing(platform: Platform) -> None:
    """Policies, rules, roles, the function and its code: whatever can be made again in a moment."""
    kinds = {address.partition(".")[0] for stack in platform.values() for address in refused(stack)}
    assert kinds == {
        "terraform_data",
        "aws_cloudwatch_event_archive",
        "aws_cloudwatch_event_bus",
        "aws_cloudwatch_log_group",
        "aws_db_instance",
        "aws_kms_key",  # the account's
        "aws_lambda_function_url",
        "aws_s3_bucket",
        "aws_sns_topic",
        "aws_sqs_queue",
        "aws_ssm_parameter",
    }


# Renaming a construct, or moving it, changes the addresses of its resources: Terraform then destroys what it has and
# makes it anew, empty. Where that has to be, a `moved` block goes with it.
ADDRESSES = {
    "tap-account": {
        "aws_kms_key.LogKey_7127024E",
        "aws_s3_bucket.AccessLogs_Bucket_30E71F2C",
        "aws_s3_bucket.State_Bucket_23180D49",
    },
    "tap-eventbridge-prod": {
        "aws_cloudwatch_event_archive.EventBus_Archive_B7AD37E7",
        "aws_cloudwatch_event_bus.EventBus_BFA69192",
        "aws_cloudwatch_log_group.MonitoringLogGroup",
        "aws_sqs_queue.Consumer_DeadLetters_Queue_E46F039F",
        "aws_sqs_queue.Consumer_Source_Queue_5C4D3AE5",
        "aws_sqs_queue.S3Processing_DeadLetters_Queue_0E1E928F",
    },
    "tap-lambda-prod": {"aws_cloudwatch_log_group.Function_LogGroup_5043C2D5"},
    "tap-monitoring-prod": {"aws_sns_topic.Alarms_Topic_FB8030DD"},
    "tap-parameter-prod": {
        "aws_ssm_parameter.Endpoint",
        "aws_ssm_parameter.Name",
        "aws_ssm_parameter.Username",
    },
    "tap-rds-prod": {
        "aws_cloudwatch_log_group.Postgres_LogGroup_F600796D",
        "aws_db_instance.Postgres_Instance_A83EBC1B",
        "aws_ssm_parameter.Credential_Password_81B85B1E",
    },
    "tap-results-prod": {
        "aws_cloudwatch_log_group.Function_LogGroup_5043C2D5",
        "aws_lambda_function_url.Url_83359C83",
    },
    "tap-schema-prod": {
        "aws_cloudwatch_log_group.Function_LogGroup_5043C2D5",
        "aws_ssm_parameter.Reader_Password_6711F9B9",
    },
    "tap-s3-prod": {
        "aws_s3_bucket.Artifacts_Bucket_ADA78AEC",
        "aws_s3_bucket.Uploads_Bucket_F35B8C2B",
        "aws_sqs_queue.Ingest_DeadLetters_Queue_AE8FE591",
        "aws_sqs_queue.Ingest_Source_Queue_367013FC",
    },
}


def test_what_is_kept_keeps_its_address(platform: Platform) -> None:
    """In every environment: the ids of constructs do not depend on its name."""
    kinds = {address.partition(".")[0] for names in ADDRESSES.values() for address in names}
    addresses = {
        stack_id: {f"{kind}.{name}" for kind in kinds for name in stack.document.get("resource", {}).get(kind, {})}
        for stack_id, stack in platform.items()
        if stack_id.endswith(("-prod", "-account"))
    }
    assert {stack_id: names for stack_id, names in addresses.items() if names} == ADDRESSES
