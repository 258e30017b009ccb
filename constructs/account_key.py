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

# What a service needs that publishes to a topic under the key
# (https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services).
_PUBLISH_ACTIONS = ["kms:Decrypt", "kms:GenerateDataKey*"]


class AccountKey(Construct):
    """A KMS key under `alias`, rotated every year, for log groups and topics (names with `*`).

    CloudWatch Logs may use it for `log_groups`; alarms and EventBridge, which publish to `topics`, for these.
    Whatever else is encrypted under it is so by grants of who may use the key by their own IAM policies. Terraform
    refuses to destroy it: without it the logs cannot be read.
    """

    key: KmsKey

    def __init__(
        self, scope: Construct, id: str, *, alias: str, log_groups: str, topics: str, alarms: str, caller: Caller
    ) -> None:
        super().__init__(scope, id)
        of_our_topics = _condition("ArnLike", "kms:EncryptionContext:aws:sns:topicArn", caller.arn("sns", topics))
        document = DataAwsIamPolicyDocument(
            self,
            "PolicyDocument",
            statement=[
                # The account's IAM policies decide who else may use it: the default that KMS itself gives to keys.
                _statement("Account", "AWS", f"arn:{caller.partition}:iam::{caller.account_id}:root", ["kms:*"]),
                # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
                _statement(
                    "Logs",
                    "Service",
                    f"logs.{caller.region}.amazonaws.com",
                    ["kms:Decrypt", "kms:Describe*", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
                    _condition(
                        "ArnLike", "kms:EncryptionContext:aws:logs:arn", caller.arn("logs", f"log-group:{log_groups}")
                    ),
                ),
                _statement(
                    "Alarms",
                    "Service",
                    "cloudwatch.amazonaws.com",
                    _PUBLISH_ACTIONS,
                    of_our_topics,
                    _condition("ArnLike", "aws:SourceArn", caller.arn("cloudwatch", f"alarm:{alarms}")),
                    _condition("StringEquals", "aws:SourceAccount", caller.account_id),
                ),
                # EventBridge does not tell KMS on whose behalf it comes: a condition on aws:SourceArn or
                # aws:SourceAccount would keep every event from the topic (the same page of SNS). On whose behalf it may
                # publish is said by the topic's own policy.
                _statement("Events", "Service", "events.amazonaws.com", _PUBLISH_ACTIONS, of_our_topics),
            ],
        )
        self.key = KmsKey(
            self,
            "Key",
            description="Logs, function environments and notifications of TAP",
            enable_key_rotation=True,
            deletion_window_in_days=_DELETION_WINDOW,
            policy=document.json,
            lifecycle=TerraformResourceLifecycle(prevent_destroy=True),
            tags={"Component": "encryption"},
        )
        KmsAlias(self, "Alias", name=alias, target_key_id=self.key.key_id)


def _statement(
    sid: str, kind: str, principal: str, actions: list[str], *conditions: DataAwsIamPolicyDocumentStatementCondition
) -> DataAwsIamPolicyDocumentStatement:
    return DataAwsIamPolicyDocumentStatement(
        sid=sid,
        principals=[DataAwsIamPolicyDocumentStatementPrincipals(type=kind, identifiers=[principal])],
        actions=actions,
        resources=["*"],  # in a key's policy, the key itself
        condition=list(conditions) or None,
    )


def _condition(test: str, variable: str, value: str) -> DataAwsIamPolicyDocumentStatementCondition:
    return DataAwsIamPolicyDocumentStatementCondition(test=test, variable=variable, values=[value])
