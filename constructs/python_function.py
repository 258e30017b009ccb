"""A Lambda function in Python, deployed from a zip file."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from cdktf import AssetType, TerraformAsset
from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.lambda_function import LambdaFunction, LambdaFunctionEnvironment, LambdaFunctionVpcConfig
from cdktf_cdktf_provider_aws.s3_object import S3Object

from constructs import Construct
from constructs.alarm import Alarm
from constructs.metrics import function_metric
from constructs.validation import require_range

_TAGS = {"Component": "function"}

_NEAR = 0.9  # of the timeout


class PythonFunction(Construct):
    """A function in a VPC, the object that holds its code, and its log group.

    `package`: the zip file; it is uploaded to `artifact_bucket` under the SHA-256 of its contents.
    `memory`: MiB, 128 to 10,240. `timeout`: seconds, 1 to 900. `log_retention`: days.
    `kms_key_arn`: the key of the log group and of `environment`; Lambda grants its use to the role by itself.
    `replacement_security_group_id`: takes the place of the others before the function is destroyed. Lambda frees the
    network interfaces only long after, and a group that they carry cannot be deleted for so long.
    `environment` is readable by everybody who may see the function: names of parameters, never secrets.
    Raises ValueError for a value that is out of range and for a package that is not there.
    """

    function: LambdaFunction
    log_group: CloudwatchLogGroup
    timeout: int

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        description: str,
        package: Path,
        handler: str,
        runtime: str,
        architecture: str,
        role_arn: str,
        artifact_bucket: str,
        log_group_name: str,
        log_retention: int,
        kms_key_arn: str,
        memory: int,
        timeout: int,
        environment: Mapping[str, str],
        subnet_ids: Sequence[str],
        security_group_ids: Sequence[str],
        replacement_security_group_id: str,
    ) -> None:
        super().__init__(scope, id)
        require_range("memory", memory, 128, 10_240, "MiB")
        require_range("timeout", timeout, 1, 900, "seconds")
        if not package.is_file():
            raise ValueError(f"package {str(package)!r} does not exist: build it before the synth")
        self.timeout = timeout
        digest = hashlib.sha256(package.read_bytes())
        asset = TerraformAsset(self, "Asset", path=str(package), type=AssetType.FILE)
        code = S3Object(
            self,
            "Code",
            bucket=artifact_bucket,
            # Named after its contents: a change is a new object, and an older deploy finds its own again.
            key=f"{name}/{digest.hexdigest()}.zip",
            source=asset.path,
            tags=_TAGS,
        )
        # Before the function: a group that Lambda makes by itself keeps its lines for ever.
        self.log_group = CloudwatchLogGroup(
            self,
            "LogGroup",
            name=log_group_name,
            retention_in_days=log_retention,
            kms_key_id=kms_key_arn,
            tags=_TAGS,
        )
        self.function = LambdaFunction(
            self,
            "Function",
            function_name=name,
            description=description,
            s3_bucket=code.bucket,
            s3_key=code.key,
            source_code_hash=base64.b64encode(digest.digest()).decode(),
            handler=handler,
            runtime=runtime,
            architectures=[architecture],
            role=role_arn,
            memory_size=memory,
            timeout=timeout,
            environment=LambdaFunctionEnvironment(variables=dict(environment)),
            kms_key_arn=kms_key_arn,
            vpc_config=LambdaFunctionVpcConfig(
                subnet_ids=list(subnet_ids), security_group_ids=list(security_group_ids)
            ),
            replace_security_groups_on_destroy=True,
            replacement_security_group_ids=[replacement_security_group_id],
            depends_on=[self.log_group],
            tags=_TAGS,
        )

    def alarms(self, subject: str) -> tuple[Alarm, ...]:
        """Of its errors, throttles and durations. `subject`: what the function is called in the alarms' names."""
        return (
            Alarm(
                name=f"{subject}-errors",
                meaning=f"The {subject} function failed as a whole: an exception, its timeout, or its memory.",
                metric=function_metric(self.function, "Errors", "Sum"),
                threshold=1,
                unit="invocations",
                missing_data="notBreaching",
            ),
            Alarm(
                name=f"{subject}-throttles",
                meaning=f"Lambda has refused invocations of the {subject} function for a quarter of an hour.",
                metric=function_metric(self.function, "Throttles", "Sum"),
                threshold=1,
                unit="invocations",
                # Whoever invokes it tries again: a moment of it does no harm.
                evaluation_periods=3,
                datapoints=3,
                missing_data="notBreaching",
            ),
            Alarm(
                name=f"{subject}-duration",
                meaning=f"Invocations of the {subject} function come close to its timeout of {self.timeout} s.",
                # Of few invocations it is the longest. A single one that runs into the timeout is an error besides.
                metric=function_metric(self.function, "Duration", "p99"),
                threshold=_NEAR * self.timeout * 1000,
                unit="milliseconds",
                missing_data="notBreaching",
            ),
        )
