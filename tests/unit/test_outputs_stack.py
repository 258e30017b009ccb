"""Users find what they need of an environment in one place."""

import pytest

from tests.unit.synthesized import Platform, Stack

OUTPUTS = {
    "bucket_name": "${aws_s3_bucket[tap-uploads-dev-{account}].bucket}",
    "db_endpoint": "${aws_db_instance[tap-rds-dev].endpoint}",
    "db_instance_id": "${aws_db_instance[tap-rds-dev].identifier}",
    "lambda_function_arn": "${aws_lambda_function[tap-lambda-dev].arn}",
    "schema_function_name": "${aws_lambda_function[tap-schema-dev].function_name}",
    "lambda_function_name": "${aws_lambda_function[tap-lambda-dev].function_name}",
    "results_url": "${aws_lambda_function_url[tap-results-dev].function_url}",
    "results_function_name": "${aws_lambda_function[tap-results-dev].function_name}",
    "results_reader_policy_arn": "${aws_iam_policy[tap-results-reader-dev].arn}",
    "vpc_id": "${data.aws_vpc.id}",
    "event_bus_arn": "${aws_cloudwatch_event_bus[tap-application-events-dev].arn}",
    "event_bus_name": "${aws_cloudwatch_event_bus[tap-application-events-dev].name}",
    "monitoring_log_group_name": "${aws_cloudwatch_log_group[/aws/events/tap-application-events-dev].name}",
    "parameter_store_prefix": "/tap/dev/",
    "ingest_queue_url": "${aws_sqs_queue[tap-ingest-dev].url}",
    "ingest_dead_letter_queue_url": "${aws_sqs_queue[tap-dlq-ingest-dev].url}",
    "alarm_topic_arn": "${aws_sns_topic[tap-alarms-dev].arn}",
    "dashboard_name": "${aws_cloudwatch_dashboard[tap-overview-dev].dashboard_name}",
    "events_queue_url": "${aws_sqs_queue[tap-events-dev].url}",
}


@pytest.fixture
def outputs(platform: Platform) -> Stack:
    return platform["tap-outputs-dev"]


def test_outputs_are_the_designs(outputs: Stack) -> None:
    """Exactly these names, each with the value of the resource that it is about."""
    assert {name: outputs.read(output["value"]) for name, output in outputs.document["output"].items()} == OUTPUTS


def test_no_output_is_sensitive(outputs: Stack) -> None:
    """None is a secret, so `cdktf deploy` may print them all."""
    assert not [name for name, output in outputs.document["output"].items() if "sensitive" in output]


def test_holds_no_resources(outputs: Stack) -> None:
    """It reads the other stacks' states, and that is all, but for its guard."""
    assert outputs.inventory == {"terraform_data": 1}
    assert outputs.document["data"].keys() == {"terraform_remote_state"}


def test_other_stacks_of_an_environment_declare_no_outputs_of_their_own(platform: Platform) -> None:
    """What they hand on is for the other stacks."""
    declared = {
        (stack_id, name)
        for stack_id, stack in platform.items()
        if not stack_id.startswith("tap-outputs-")
        for name in stack.document.get("output", {})
        if not name.startswith("cross-stack-output-")
    }
    assert declared == {("tap-account", "state_bucket")}
