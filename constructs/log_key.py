"""The account's own key, for what AWS would otherwise encrypt under a key that nobody can take away."""

from cdktf import TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.data_aws_iam_policy_document import (
    DataAwsIamPolicyDocument,
    DataAwsIamPolicyDocumentStatement,
    DataAwsIamPolicyDocumentStatementCondition,
    DataAwsIamPolicyDocumentStatementPrincipals,
)
from cdktf_cdktf_provider_aws.kms_alias import KmsAlias
from cdktf_cdktf_provider_aws.kms_key import KmsKey

from constructs import Construct
from constructs.caller import Caller

_DELETION_WINDOW = 30  # days to think better of it; KMS's longest


class LogKey(Construct):
    """A KMS key under `alias`, rotated every year, that CloudWatch Logs may use for `log_groups` (a name with `*`).

    Whatever else is encrypted under it is so by grants of who may use the key by their own IAM policies. Terraform
    refuses to destroy it: without it the logs cannot be read.
    """

    key: KmsKey

    def __init__(self, scope: Construct, id: str, *, alias: str, log_groups: str, caller: Caller) -> None:
        super().__init__(scope, id)
        # In a key's policy `*` is the key itself.
        document = DataAwsIamPolicyDocument(
            self,
            "PolicyDocument",
            statement=[
                # The account's IAM policies decide who else may use it: the default that KMS itself gives to keys.
                DataAwsIamPolicyDocumentStatement(
                    sid="Account",
                    principals=[
                        DataAwsIamPolicyDocumentStatementPrincipals(
                            type="AWS", identifiers=[f"arn:{caller.partition}:iam::{caller.account_id}:root"]
                        )
                    ],
                    actions=["kms:*"],
                    resources=["*"],
                ),
                # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
                DataAwsIamPolicyDocumentStatement(
                    sid="Logs",
                    principals=[
                        DataAwsIamPolicyDocumentStatementPrincipals(
                            type="Service", identifiers=[f"logs.{caller.region}.amazonaws.com"]
                        )
                    ],
                    actions=["kms:Decrypt", "kms:Describe*", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
                    resources=["*"],
                    condition=[
                        DataAwsIamPolicyDocumentStatementCondition(
                            test="ArnLike",
                            variable="kms:EncryptionContext:aws:logs:arn",
                            values=[caller.arn("logs", f"log-group:{log_groups}")],
                        )
                    ],
                ),
            ],
        )
        self.key = KmsKey(
            self,
            "Key",
            description="Logs and function environments of TAP",
            enable_key_rotation=True,
            deletion_window_in_days=_DELETION_WINDOW,
            policy=document.json,
            lifecycle=TerraformResourceLifecycle(prevent_destroy=True),
            tags={"Component": "encryption"},
        )
        KmsAlias(self, "Alias", name=alias, target_key_id=self.key.key_id)
