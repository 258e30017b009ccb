"""What the function may do: one role, least privilege."""

from cdktf_cdktf_provider_aws.data_aws_iam_policy_document import (
    DataAwsIamPolicyDocumentStatement,
    DataAwsIamPolicyDocumentStatementCondition,
)
from cdktf_cdktf_provider_aws.data_aws_kms_alias import DataAwsKmsAlias
from cdktf_cdktf_provider_aws.iam_role import IamRole

from constructs import Construct
from constructs.caller import Caller
from constructs.function_role import FunctionRole
from stacks.base import EnvironmentStack
from stacks.event_bridge_stack import EventBridgeStack
from stacks.names import MaxLength, database_parameter_name, function_log_group_name, function_name, resource_name
from stacks.s3_stack import S3Stack
from stacks.settings import EnvironmentSettings

_PARAMETERS = ("endpoint", "username", "password", "name")


class IamStack(EnvironmentStack):
    """The role of the function: the four parameters, the bus, the bucket, the queue, its own log group."""

    lambda_role: IamRole

    def __init__(
        self,
        scope: Construct,
        *,
        environment: EnvironmentSettings,
        state_bucket: str | None,
        s3: S3Stack,
        event_bridge: EventBridgeStack,
    ) -> None:
        super().__init__(scope, "iam", environment=environment, state_bucket=state_bucket)
        caller = Caller(self, "Caller")
        parameter_arns = {
            parameter: caller.arn("ssm", f"parameter{database_parameter_name(environment.suffix, parameter)}")
            for parameter in _PARAMETERS
        }
        name = function_name(environment.suffix)
        statements = [
            # Every read names the version, for which S3 does not ask for s3:GetObject
            # (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html).
            DataAwsIamPolicyDocumentStatement(
                sid="ReadUploads", actions=["s3:GetObjectVersion"], resources=[f"{s3.bucket.arn}/*"]
            ),
            # Without it S3 answers 403 instead of 404 for a key that is gone, which looks like a fault of ours.
            DataAwsIamPolicyDocumentStatement(
                sid="SeeMissingUploads", actions=["s3:ListBucket"], resources=[s3.bucket.arn]
            ),
            DataAwsIamPolicyDocumentStatement(
                sid="ReadParameters",
                actions=["ssm:GetParameters"],
                resources=list(parameter_arns.values()),
            ),
            DataAwsIamPolicyDocumentStatement(
                sid="DecryptParameters",
                actions=["kms:Decrypt"],
                resources=[DataAwsKmsAlias(self, "SsmKey", name="alias/aws/ssm").target_key_arn],
                condition=[
                    DataAwsIamPolicyDocumentStatementCondition(
                        test="StringEquals", variable="kms:ViaService", values=[f"ssm.{caller.region}.amazonaws.com"]
                    ),
                    # Parameter Store encrypts each parameter under its own ARN as context.
                    DataAwsIamPolicyDocumentStatementCondition(
                        test="StringEquals",
                        variable="kms:EncryptionContext:PARAMETER_ARN",
                        values=list(parameter_arns.values()),
                    ),
                ],
            ),
            DataAwsIamPolicyDocumentStatement(
                sid="AnnounceEvents", actions=["events:PutEvents"], resources=[event_bridge.custom_event_bus_arn]
            ),
            DataAwsIamPolicyDocumentStatement(
                sid="ConsumeQueue",
                actions=["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
                resources=[s3.ingest_queue.queue.arn],
            ),
        ]
        self.lambda_role = FunctionRole(
            self,
            "Function",
            name=resource_name("lambda", environment.suffix, MaxLength.ROLE),
            function_arn=caller.arn("lambda", f"function:{name}"),
            log_group_arn=caller.arn("logs", f"log-group:{function_log_group_name(name)}"),
            network_arn=caller.arn("ec2", "*/*"),
            statements=statements,
        ).role
