"""What the functions and CI jobs may do: a role for each, least privilege."""

from collections.abc import Sequence

from cdktf_cdktf_provider_aws.data_aws_iam_openid_connect_provider import DataAwsIamOpenidConnectProvider
from cdktf_cdktf_provider_aws.data_aws_iam_policy_document import (
    DataAwsIamPolicyDocumentStatement,
    DataAwsIamPolicyDocumentStatementCondition,
)
from cdktf_cdktf_provider_aws.data_aws_kms_alias import DataAwsKmsAlias
from cdktf_cdktf_provider_aws.iam_role import IamRole

from constructs import Construct
from constructs.caller import Caller
from constructs.function_role import FunctionRole
from constructs.upload_role import UploadRole
from stacks.base import EnvironmentStack
from stacks.event_bridge_stack import EventBridgeStack
from stacks.names import (
    MaxLength,
    database_parameter_name,
    function_log_group_name,
    function_name,
    resource_name,
    upload_role_name,
)
from stacks.s3_stack import S3Stack
from stacks.settings import EnvironmentSettings
from stacks.uploaders import Uploader, issuers_of

_OWNERS_PARAMETERS = ("endpoint", "username", "password", "name")


class IamStack(EnvironmentStack):
    """One role for each function. All: parameters of the database, own log group, network interfaces.

    Ingest: the bucket, the queue and the bus as well. Schema: the password of the reader. Results: that one only.
    And one for each uploader of the settings: the folders of its projects, and the results function's URL.
    """

    lambda_role: IamRole
    """Of the ingest function."""
    schema_role: IamRole
    results_role: IamRole
    upload_roles: dict[str, IamRole]
    """By the name of the uploader."""

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
        self._suffix = environment.suffix
        self._caller = Caller(self, "Caller")
        self._ssm_key_arn = DataAwsKmsAlias(self, "SsmKey", name="alias/aws/ssm").target_key_arn
        self.lambda_role = self._function_role(
            "Function",
            "lambda",
            parameters=_OWNERS_PARAMETERS,
            statements=[
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
                    sid="AnnounceEvents", actions=["events:PutEvents"], resources=[event_bridge.custom_event_bus_arn]
                ),
                DataAwsIamPolicyDocumentStatement(
                    sid="ConsumeQueue",
                    actions=["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
                    resources=[s3.ingest_queue.queue.arn],
                ),
            ],
        )
        self.schema_role = self._function_role(
            "Schema", "schema", parameters=(*_OWNERS_PARAMETERS, "reader-password"), statements=[]
        )
        # Neither the name nor the password of the owner.
        self.results_role = self._function_role(
            "Results", "results", parameters=("endpoint", "name", "reader-password"), statements=[]
        )
        self.upload_roles = self._upload_roles(environment.uploaders, bucket_arn=s3.bucket.arn)

    def _function_role(
        self,
        id: str,
        service: str,
        *,
        parameters: Sequence[str],
        statements: Sequence[DataAwsIamPolicyDocumentStatement],
    ) -> IamRole:
        name = function_name(service, self._suffix)
        arns = [
            self._caller.arn("ssm", f"parameter{database_parameter_name(self._suffix, parameter)}")
            for parameter in parameters
        ]
        read_parameters = DataAwsIamPolicyDocumentStatement(
            sid="ReadParameters", actions=["ssm:GetParameters"], resources=arns
        )
        decrypt_parameters = DataAwsIamPolicyDocumentStatement(
            sid="DecryptParameters",
            actions=["kms:Decrypt"],
            resources=[self._ssm_key_arn],
            condition=[
                DataAwsIamPolicyDocumentStatementCondition(
                    test="StringEquals",
                    variable="kms:ViaService",
                    values=[f"ssm.{self._caller.region}.amazonaws.com"],
                ),
                # Parameter Store encrypts each parameter under its own ARN as context.
                DataAwsIamPolicyDocumentStatementCondition(
                    test="StringEquals", variable="kms:EncryptionContext:PARAMETER_ARN", values=arns
                ),
            ],
        )
        return FunctionRole(
            self,
            id,
            name=resource_name(service, self._suffix, MaxLength.ROLE),
            function_arn=self._caller.arn("lambda", f"function:{name}"),
            log_group_arn=self._caller.arn("logs", f"log-group:{function_log_group_name(name)}"),
            network_arn=self._caller.arn("ec2", "*/*"),
            statements=[*statements, read_parameters, decrypt_parameters],
        ).role

    def _upload_roles(self, uploaders: Sequence[Uploader], *, bucket_arn: str) -> dict[str, IamRole]:
        # Made by the account stack, or there before: IAM has one for each issuer.
        providers = {
            issuer.address: DataAwsIamOpenidConnectProvider(self, f"Issuer{number}", url=issuer.address)
            for number, issuer in enumerate(issuers_of(uploaders))
        }
        # By its name: the function comes later.
        results = self._caller.arn("lambda", f"function:{function_name('results', self._suffix)}")
        return {
            uploader.name: UploadRole(
                self,
                f"Uploader-{uploader.name}",
                name=upload_role_name(uploader.name, self._suffix),
                provider_arn=providers[uploader.issuer].arn,
                issuer=uploader.issuer,
                audience=uploader.audience,
                subjects=uploader.subjects,
                bucket_arn=bucket_arn,
                folders=uploader.projects,
                results_function_arn=results,
            ).role
            for uploader in uploaders
        }
