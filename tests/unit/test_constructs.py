"""The constructs by themselves: safe without being asked, and refusing what AWS would refuse later."""

import json
from pathlib import Path
from typing import Any

import pytest
from cdktf import TerraformStack
from cdktf import Testing as CdktfTesting  # pytest takes what begins with Test for tests
from cdktf_cdktf_provider_aws.data_aws_iam_policy_document import DataAwsIamPolicyDocument
from cdktf_cdktf_provider_aws.data_aws_iam_policy_document import (
    DataAwsIamPolicyDocumentStatement as Statement,
)
from cdktf_cdktf_provider_aws.db_instance import DbInstance
from cdktf_cdktf_provider_aws.lambda_event_source_mapping import LambdaEventSourceMapping
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.sqs_queue import SqsQueue
from cdktf_cdktf_provider_aws.vpc_security_group_egress_rule import VpcSecurityGroupEgressRule
from cdktf_cdktf_provider_aws.vpc_security_group_ingress_rule import VpcSecurityGroupIngressRule

from constructs.caller import Caller
from constructs.database_credential import DatabaseCredential
from constructs.default_vpc import DefaultVpc
from constructs.function_role import FunctionRole
from constructs.metrics import Metric
from constructs.postgres_instance import PostgresInstance
from constructs.python_function import PythonFunction
from constructs.queue_event_source import QueueEventSource
from constructs.reliable_queue import ReliableQueue
from constructs.secure_bucket import SecureBucket
from constructs.secure_queue import QueueSender, SecureQueue
from constructs.security_group import SecurityGroup
from stacks.function_package import FunctionPackage


class TestSecureBucket:
    @staticmethod
    def make(stack: TerraformStack, *, version_retention: int) -> SecureBucket:
        return SecureBucket(
            stack,
            "Bucket",
            name="bucket",
            component="test",
            version_retention=version_retention,
            access_log_bucket="logs",
        )

    def test_is_kept_unless_asked_otherwise(self, stack: TerraformStack) -> None:
        """A destroy stops before a bucket that is not empty."""
        self.make(stack, version_retention=1)
        assert CdktfTesting.to_have_resource_with_properties(
            CdktfTesting.synth(stack), S3Bucket.TF_RESOURCE_TYPE, {"bucket": "bucket", "force_destroy": False}
        )

    @pytest.mark.parametrize("days", [0, 36_501])
    def test_retention_out_of_range(self, stack: TerraformStack, days: int) -> None:
        """S3 keeps old versions for a day at least."""
        with pytest.raises(ValueError, match=f"^version_retention {days} is not valid: give 1 to 36500 days$"):
            self.make(stack, version_retention=days)


class TestSecureQueue:
    @staticmethod
    def make(stack: TerraformStack, *, visibility_timeout: int) -> SecureQueue:
        return SecureQueue(
            stack,
            "Queue",
            name="queue",
            caller=Caller(stack, "Caller"),
            component="test",
            visibility_timeout=visibility_timeout,
        )

    def test_nobody_may_send_unless_named(self, stack: TerraformStack) -> None:
        """The policy admits nobody, and refuses what comes without TLS."""
        SecureQueue(stack, "Queue", name="queue", caller=Caller(stack, "Caller"), component="test")
        synthesized = CdktfTesting.synth(stack)
        assert CdktfTesting.to_have_data_source_with_properties(
            synthesized,
            DataAwsIamPolicyDocument.TF_RESOURCE_TYPE,
            {"statement": [{"sid": "TlsOnly", "effect": "Deny"}]},
        )
        assert '"Allow"' not in synthesized

    @pytest.mark.parametrize("seconds", [0, 43_200])
    def test_bounds_of_the_visibility_timeout(self, stack: TerraformStack, seconds: int) -> None:
        """SQS hides a message for twelve hours at most."""
        self.make(stack, visibility_timeout=seconds)
        assert CdktfTesting.to_have_resource_with_properties(
            CdktfTesting.synth(stack), SqsQueue.TF_RESOURCE_TYPE, {"visibility_timeout_seconds": seconds}
        )

    @pytest.mark.parametrize("seconds", [-1, 43_201])
    def test_visibility_timeout_out_of_range(self, stack: TerraformStack, seconds: int) -> None:
        """The message names the argument, its value and the bounds."""
        with pytest.raises(ValueError, match=f"^visibility_timeout {seconds} is not valid: give 0 to 43200 seconds$"):
            self.make(stack, visibility_timeout=seconds)


def reliable_queue(stack: TerraformStack, *, consumer_timeout: int = 60, outage: int = 0) -> ReliableQueue:
    return ReliableQueue(
        stack,
        "Ingest",
        name="ingest",
        dead_letter_queue_name="ingest-dlq",
        caller=Caller(stack, "Caller"),
        component="test",
        consumer_timeout=consumer_timeout,
        outage=outage,
        sender=QueueSender(service="s3.amazonaws.com", source_arn="arn:aws:s3:::bucket", source_account="account"),
    )


class TestReliableQueue:
    @pytest.mark.parametrize(("timeout", "hidden"), [(1, 6), (7_200, 43_200)])
    def test_hides_messages_for_six_times_the_consumers_timeout(
        self, stack: TerraformStack, timeout: int, hidden: int
    ) -> None:
        """The rule is the construct's, not its user's."""
        reliable_queue(stack, consumer_timeout=timeout)
        assert CdktfTesting.to_have_resource_with_properties(
            CdktfTesting.synth(stack),
            SqsQueue.TF_RESOURCE_TYPE,
            {"name": "ingest", "visibility_timeout_seconds": hidden},
        )

    @pytest.mark.parametrize("seconds", [0, 7_201])
    def test_timeout_out_of_range(self, stack: TerraformStack, seconds: int) -> None:
        """Six times 7,200 seconds are the twelve hours of SQS."""
        with pytest.raises(ValueError, match=f"^consumer_timeout {seconds} is not valid: give 1 to 7200 seconds$"):
            reliable_queue(stack, consumer_timeout=seconds)

    @pytest.mark.parametrize(("outage", "receives"), [(0, 5), (1, 6), (360, 6), (361, 7), (358_200, 1_000)])
    def test_messages_outlast_an_outage(self, stack: TerraformStack, outage: int, receives: int) -> None:
        """One attempt for each time that they are hidden, and five besides: fewer would lose messages to throttling."""
        reliable_queue(stack, outage=outage)
        assert f'\\"maxReceiveCount\\" = {receives}}}' in CdktfTesting.synth(stack)

    @pytest.mark.parametrize("seconds", [-1, 358_201])
    def test_outage_out_of_range(self, stack: TerraformStack, seconds: int) -> None:
        """SQS takes a thousand receives at most."""
        with pytest.raises(ValueError, match=f"^outage {seconds} is not valid: give 0 to 358200 seconds$"):
            reliable_queue(stack, outage=seconds)


VPC_STATEMENTS = [{"sid": "JoinVpc"}, {"sid": "SeeVpc"}, {"sid": "KeepCodeFromVpc", "effect": "Deny"}]


class TestFunctionRole:
    @staticmethod
    def make(stack: TerraformStack, statement: Statement) -> FunctionRole:
        return FunctionRole(
            stack,
            "Role",
            name="role",
            function_arn="arn",
            log_group_arn="arn",
            network_arn="arn",
            statements=[statement],
        )

    @pytest.mark.parametrize(
        "statement",
        [
            pytest.param({"actions": ["s3:GetObject"], "resources": ["*"]}, id="any resource"),
            pytest.param({"actions": ["s3:GetObject"], "resources": ["arn", "*"]}, id="any resource among others"),
            pytest.param({"actions": ["s3:GetObject"]}, id="no resources"),
            pytest.param({"actions": ["s3:GetObject"], "not_resources": ["arn"]}, id="all resources but one"),
            pytest.param({"actions": ["*"], "resources": ["arn"]}, id="any action"),
            pytest.param({"actions": ["s3:GetObject", "s3:Get*"], "resources": ["arn"]}, id="actions by a pattern"),
            pytest.param({"not_actions": ["s3:GetObject"], "resources": ["arn"]}, id="all actions but one"),
        ],
    )
    def test_an_open_statement_is_refused(self, stack: TerraformStack, statement: dict[str, Any]) -> None:
        """Nobody widens the role by a star."""
        with pytest.raises(ValueError, match=r"^statement 'Wide' is too open: name its actions and resources"):
            self.make(stack, Statement(sid="Wide", **statement))

    def test_objects_of_a_named_bucket_are_not_open(self, stack: TerraformStack) -> None:
        """A star inside an ARN is how all objects of a bucket are named."""
        self.make(stack, Statement(actions=["s3:GetObject"], resources=["arn:aws:s3:::bucket/*"]))
        assert CdktfTesting.to_have_data_source_with_properties(
            CdktfTesting.synth(stack),
            DataAwsIamPolicyDocument.TF_RESOURCE_TYPE,
            {"statement": [{"resources": ["arn:aws:s3:::bucket/*"]}, {"sid": "WriteLogs"}, *VPC_STATEMENTS]},
        )


class TestDatabaseCredential:
    @pytest.mark.parametrize("version", [0, 2**31])
    def test_version_out_of_range(self, stack: TerraformStack, version: int) -> None:
        """It starts at one and only ever rises."""
        with pytest.raises(ValueError, match=rf"^version {version} is not valid: give 1 to 2147483647"):
            DatabaseCredential(stack, "Credential", parameter_name="/password", description="Password", version=version)


class TestPostgresInstance:
    @staticmethod
    def make(stack: TerraformStack, **changes: Any) -> PostgresInstance:
        arguments: dict[str, Any] = {
            "name": "database",
            "database_name": "tap",
            "username": "tap",
            "credential": DatabaseCredential(
                stack, "Credential", parameter_name="/password", description="Password", version=1
            ),
            "port": 5432,
            "instance_class": "db.t4g.micro",
            "storage": 20,
            "max_storage": 22,
            "multi_az": False,
            "backup_retention": 7,
            "log_retention": 14,
            "log_kms_key_arn": "key",
            "subnet_ids": ["subnet"],
            "security_group_id": "group",
        }
        return PostgresInstance(stack, "Postgres", **(arguments | changes))

    def test_is_kept_unless_asked_otherwise(self, stack: TerraformStack) -> None:
        """Protected, with a final snapshot, and with backups that outlive it."""
        self.make(stack)
        assert CdktfTesting.to_have_resource_with_properties(
            CdktfTesting.synth(stack),
            DbInstance.TF_RESOURCE_TYPE,
            {
                "deletion_protection": True,
                "skip_final_snapshot": False,
                "delete_automated_backups": False,
                "apply_immediately": False,
            },
        )

    def test_a_disposable_one_may_keep_backups_for_a_day(self, stack: TerraformStack) -> None:
        """An account of AWS's free plan takes no more."""
        self.make(stack, backup_retention=1, disposable=True)
        assert CdktfTesting.to_have_resource_with_properties(
            CdktfTesting.synth(stack), DbInstance.TF_RESOURCE_TYPE, {"backup_retention_period": 1}
        )

    def test_every_final_snapshot_has_a_name_of_its_own(self, stack: TerraformStack) -> None:
        """That of the time at which the instance was made, and no later plan finds another one."""
        self.make(stack)
        [instance] = json.loads(CdktfTesting.synth(stack))["resource"]["aws_db_instance"].values()
        assert instance["final_snapshot_identifier"] == ('database-final-${formatdate("YYYYMMDDhhmmss", timestamp())}')
        assert "final_snapshot_identifier" in instance["lifecycle"]["ignore_changes"]

    def test_another_snapshot_does_not_replace_a_database(self, stack: TerraformStack) -> None:
        """It is what a new one is made from, and nothing later."""
        self.make(stack, snapshot="before")
        [instance] = json.loads(CdktfTesting.synth(stack))["resource"]["aws_db_instance"].values()
        assert instance["snapshot_identifier"] == "before"
        assert "snapshot_identifier" in instance["lifecycle"]["ignore_changes"]

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"database_name": "my-tap"}, "^database_name 'my-tap' is not valid: RDS takes letters and digits"),
            ({"database_name": "1tap"}, "^database_name '1tap' is not valid: RDS takes letters and digits"),
            ({"database_name": "täp"}, "^database_name 'täp' is not valid: RDS takes letters and digits"),
            ({"database_name": ""}, "^database_name '' is not valid: RDS takes letters and digits"),
            ({"username": "admin"}, "^username 'admin' is not valid: RDS reserves it"),
            ({"username": "rdsadmin"}, "^username 'rdsadmin' is not valid: RDS reserves it"),
            ({"storage": 19}, "^storage 19 is not valid: give 20 to 65536 GiB$"),
            ({"max_storage": 21}, "^max_storage 21 is not valid: give 22 to 65536 GiB$"),
            ({"max_storage": 65_537}, "^max_storage 65537 is not valid: give 22 to 65536 GiB$"),
            ({"backup_retention": 6}, "^backup_retention 6 is not valid: give 7 to 35 days$"),
            ({"backup_retention": 36}, "^backup_retention 36 is not valid: give 7 to 35 days$"),
            ({"backup_retention": 0, "disposable": True}, "^backup_retention 0 is not valid: give 1 to 35 days$"),
            ({"port": 1149}, "^port 1149 is not valid: give 1150 to 65535 "),
            ({"port": 65_536}, "^port 65536 is not valid: give 1150 to 65535 "),
        ],
    )
    def test_what_rds_refuses(self, stack: TerraformStack, changes: dict[str, Any], message: str) -> None:
        """It is refused before a deploy has begun; the emulator takes it."""
        with pytest.raises(ValueError, match=message):
            self.make(stack, **changes)


def python_function(stack: TerraformStack, package: Path, *, memory: int = 512, timeout: int = 60) -> PythonFunction:
    return PythonFunction(
        stack,
        "Function",
        name="function",
        description="Does something",
        package=package,
        handler="handler.handle",
        runtime="python3.13",
        architecture="arm64",
        role_arn="role",
        artifact_bucket="artifacts",
        log_group_name="/aws/lambda/function",
        log_retention=14,
        kms_key_arn="key",
        memory=memory,
        timeout=timeout,
        environment={},
        subnet_ids=["subnet"],
        security_group_ids=["group"],
        replacement_security_group_id="other-group",
    )


class TestPythonFunction:
    @pytest.mark.parametrize("memory", [127, 10_241])
    def test_memory_out_of_range(self, stack: TerraformStack, package: FunctionPackage, memory: int) -> None:
        """Lambda's own bounds."""
        with pytest.raises(ValueError, match=f"^memory {memory} is not valid: give 128 to 10240 MiB$"):
            python_function(stack, package.path, memory=memory)

    @pytest.mark.parametrize("timeout", [0, 901])
    def test_timeout_out_of_range(self, stack: TerraformStack, package: FunctionPackage, timeout: int) -> None:
        """A function runs for fifteen minutes at most."""
        with pytest.raises(ValueError, match=f"^timeout {timeout} is not valid: give 1 to 900 seconds$"):
            python_function(stack, package.path, timeout=timeout)

    def test_missing_package(self, stack: TerraformStack, tmp_path: Path) -> None:
        """The message names the file."""
        missing = tmp_path / "missing.zip"
        with pytest.raises(ValueError, match=f"^package '{missing}' does not exist: build it before the synth$"):
            python_function(stack, missing)


class TestQueueEventSource:
    @staticmethod
    def make(
        stack: TerraformStack,
        package: FunctionPackage,
        *,
        function_timeout: int = 60,
        maximum_concurrency: int = 2,
        batch_size: int = 10,
    ) -> QueueEventSource:
        return QueueEventSource(
            stack,
            "Source",
            queue=reliable_queue(stack, consumer_timeout=60),
            function=python_function(stack, package.path, timeout=function_timeout),
            maximum_concurrency=maximum_concurrency,
            batch_size=batch_size,
        )

    @pytest.mark.parametrize("concurrency", [2, 1000])
    def test_bounds_of_the_concurrency(self, stack: TerraformStack, package: FunctionPackage, concurrency: int) -> None:
        """Lambda takes both ends."""
        self.make(stack, package, maximum_concurrency=concurrency)
        assert CdktfTesting.to_have_resource_with_properties(
            CdktfTesting.synth(stack),
            LambdaEventSourceMapping.TF_RESOURCE_TYPE,
            {"scaling_config": {"maximum_concurrency": concurrency}},
        )

    @pytest.mark.parametrize("concurrency", [1, 1001])
    def test_concurrency_out_of_range(self, stack: TerraformStack, package: FunctionPackage, concurrency: int) -> None:
        """The message names the argument, its value and the bounds."""
        with pytest.raises(
            ValueError, match=f"^maximum_concurrency {concurrency} is not valid: give 2 to 1000 functions$"
        ):
            self.make(stack, package, maximum_concurrency=concurrency)

    @pytest.mark.parametrize("size", [0, 11])
    def test_batch_size_out_of_range(self, stack: TerraformStack, package: FunctionPackage, size: int) -> None:
        """Larger batches need a batching window, which the platform does not use."""
        with pytest.raises(ValueError, match=f"^batch_size {size} is not valid: give 1 to 10 messages$"):
            self.make(stack, package, batch_size=size)

    def test_a_function_that_may_run_for_longer_than_the_queue_expects(
        self, stack: TerraformStack, package: FunctionPackage
    ) -> None:
        """The rule of six times the timeout holds for the function that really reads the queue."""
        with pytest.raises(
            ValueError, match=r"timeout of 61 s exceeds .*consumer_timeout of 60 s: raise consumer_timeout"
        ):
            self.make(stack, package, function_timeout=61)

    @pytest.mark.parametrize(("timeout", "periods"), [(1, 3), (60, 5), (120, 7), (900, 38)])
    def test_alarm_waits_for_three_attempts_at_one_message(
        self, stack: TerraformStack, package: FunctionPackage, timeout: int, periods: int
    ) -> None:
        """However long the queue hides a message in between."""
        source = QueueEventSource(
            stack,
            "Source",
            queue=reliable_queue(stack, consumer_timeout=timeout),
            function=python_function(stack, package.path, timeout=timeout),
            maximum_concurrency=2,
        )
        metric = Metric(namespace="TAP", name="GivenBack", dimensions={"service": "tap"}, statistic="Sum")
        alarm = source.alarm("ingest", given_back=metric)
        assert (alarm.metric, alarm.datapoints, alarm.evaluation_periods) == (metric, 3, periods)
        assert alarm.period * (alarm.evaluation_periods - 1) >= 2 * 6 * timeout


class TestSecurityGroup:
    @staticmethod
    def make(stack: TerraformStack, id: str) -> SecurityGroup:
        return SecurityGroup(stack, id, name=id.lower(), description=id, vpc_id="vpc", component="test")

    @pytest.mark.parametrize(
        "rule", [VpcSecurityGroupEgressRule.TF_RESOURCE_TYPE, VpcSecurityGroupIngressRule.TF_RESOURCE_TYPE]
    )
    def test_is_closed_at_first(self, stack: TerraformStack, rule: str) -> None:
        """Nothing in, nothing out."""
        self.make(stack, "Closed")
        assert not CdktfTesting.to_have_resource(CdktfTesting.synth(stack), rule)

    @pytest.mark.parametrize(
        "rule", [VpcSecurityGroupEgressRule.TF_RESOURCE_TYPE, VpcSecurityGroupIngressRule.TF_RESOURCE_TYPE]
    )
    def test_opens_both_ends_of_one_port(self, stack: TerraformStack, rule: str) -> None:
        """A group that may go out meets one that lets it in."""
        self.make(stack, "Client").allow_to(self.make(stack, "Server"), port=443)
        assert CdktfTesting.to_have_resource_with_properties(
            CdktfTesting.synth(stack), rule, {"ip_protocol": "tcp", "from_port": 443, "to_port": 443}
        )


class TestDefaultVpc:
    def test_one_service_alone_decides_the_zones(self, stack: TerraformStack) -> None:
        """With a single service there is nothing to intersect with."""
        DefaultVpc(stack, "Vpc", endpoint_services=("ssm",), zones=2)
        assert "${setintersection(tolist(data.aws_vpc_endpoint_service." in CdktfTesting.synth(stack)
