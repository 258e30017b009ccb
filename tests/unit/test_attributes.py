"""What the stacks offer to each other, and to who builds on them."""

from operator import attrgetter
from pathlib import Path

import pytest
from cdktf import App
from cdktf_cdktf_provider_aws.cloudwatch_event_bus import CloudwatchEventBus
from cdktf_cdktf_provider_aws.cloudwatch_event_rule import CloudwatchEventRule
from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.data_aws_vpc import DataAwsVpc
from cdktf_cdktf_provider_aws.db_instance import DbInstance
from cdktf_cdktf_provider_aws.iam_policy import IamPolicy
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.lambda_function import LambdaFunction
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from cdktf_cdktf_provider_aws.sqs_queue import SqsQueue
from cdktf_cdktf_provider_aws.ssm_parameter import SsmParameter

from constructs.security_group import SecurityGroup
from stacks.account_stack import AccountStack
from stacks.environment import Environment
from stacks.function_package import FunctionPackage
from stacks.settings import AccountSettings, Settings


@pytest.fixture(scope="module")
def environment(package: FunctionPackage, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    settings = Settings.read({}, {})
    app = App(outdir=str(tmp_path_factory.mktemp("cdktf.out")), stack_traces=False)
    return Environment(app, environment=settings.environments[0], settings=settings, package=package)


@pytest.mark.parametrize(
    ("attribute", "kind"),
    [
        ("s3.bucket", S3Bucket),
        ("s3.artifact_bucket", S3Bucket),
        ("s3.ingest_queue.queue", SqsQueue),
        ("s3.ingest_queue.dead_letter_queue", SqsQueue),
        ("vpc.vpc", DataAwsVpc),
        ("vpc.subnet_ids", list),
        ("vpc.function_security_group", SecurityGroup),
        ("vpc.database_security_group", SecurityGroup),
        ("rds.db_instance", DbInstance),
        ("rds.db_password_param", SsmParameter),
        ("event_bridge.custom_event_bus", CloudwatchEventBus),
        ("event_bridge.custom_event_bus_arn", str),
        ("event_bridge.s3_processing_rule", CloudwatchEventRule),
        ("event_bridge.monitoring_log_group", CloudwatchLogGroup),
        ("event_bridge.consumer_queue.queue", SqsQueue),
        ("event_bridge.undelivered_queue", SqsQueue),
        ("parameter.db_endpoint_param", SsmParameter),
        ("parameter.db_username_param", SsmParameter),
        ("parameter.db_password_param", SsmParameter),
        ("parameter.db_name_param", SsmParameter),
        ("iam.lambda_role", IamRole),
        ("iam.schema_role", IamRole),
        ("iam.results_role", IamRole),
        ("schema.schema_function", LambdaFunction),
        ("schema.upkeep_rule", CloudwatchEventRule),
        ("schema.reader_password_param", SsmParameter),
        ("function.lambda_function", LambdaFunction),
        ("results.results_function", LambdaFunction),
        ("results.results_url", str),
        ("results.reader_policy", IamPolicy),
        ("monitoring.alarm_topic", SnsTopic),
        ("monitoring.dashboard_name", str),
        *((f"{stack}.alarms", tuple) for stack in ("s3", "rds", "event_bridge", "schema", "function", "results")),
    ],
)
def test_attribute_of_an_environment(environment: Environment, attribute: str, kind: type) -> None:
    """Each stack offers what others take, under the design's names."""
    assert isinstance(attrgetter(attribute)(environment), kind)


def test_password_parameter_is_handed_on(environment: Environment) -> None:
    """ParameterStack has no copy of the one that RdsStack made."""
    assert environment.parameter.db_password_param is environment.rds.db_password_param


def test_account_offers_its_bucket(tmp_path: Path) -> None:
    """The state bucket can be built upon."""
    app = App(outdir=str(tmp_path), stack_traces=False)
    account = AccountStack(app, state_bucket=None, account=AccountSettings())
    assert isinstance(account.bucket, S3Bucket)
