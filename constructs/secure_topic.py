"""An SNS topic as every topic of TAP is: encrypted, reached over TLS only, and open to one publisher."""

from cdktf_cdktf_provider_aws.data_aws_iam_policy_document import (
    DataAwsIamPolicyDocument,
    DataAwsIamPolicyDocumentStatement,
    DataAwsIamPolicyDocumentStatementCondition,
    DataAwsIamPolicyDocumentStatementPrincipals,
)
from cdktf_cdktf_provider_aws.sns_topic import SnsTopic

from constructs import Construct
from constructs.caller import Caller
from constructs.tls_only import tls_only_statement


class SecureTopic(Construct):
    """A topic under a key of one's own, to which one AWS service may publish beside the account's own identities.

    `display_name`: what mails of it are from. `kms_key_arn`: a key that the publisher may use, which `alias/aws/sns` is
    not (https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services).
    `publisher`: the service, `cloudwatch.amazonaws.com` for one; `source_arn`: on whose behalf it may, with `*`.
    `source_is_told`: whether AWS promises that the service says on whose behalf it comes. If not, one that does not say
    it may publish as well: a condition that insisted on it could keep every message away.
    """

    topic: SnsTopic

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        display_name: str,
        caller: Caller,
        component: str,
        kms_key_arn: str,
        publisher: str,
        source_arn: str,
        source_is_told: bool = True,
    ) -> None:
        super().__init__(scope, id)
        # By its name, since the policy is part of the topic: it is there from its first moment.
        arn = caller.arn("sns", name)
        if_told = "" if source_is_told else "IfExists"
        document = DataAwsIamPolicyDocument(
            self,
            "PolicyDocument",
            statement=[
                # SNS takes no `sns:*` in a topic's policy
                # (https://docs.aws.amazon.com/sns/latest/dg/sns-security-best-practices.html#enforce-encryption-data-in-transit).
                tls_only_statement("sns:Publish", arn),
                DataAwsIamPolicyDocumentStatement(
                    sid="Publisher",
                    effect="Allow",
                    principals=[DataAwsIamPolicyDocumentStatementPrincipals(type="Service", identifiers=[publisher])],
                    actions=["sns:Publish"],
                    resources=[arn],
                    condition=[
                        DataAwsIamPolicyDocumentStatementCondition(
                            test=f"ArnLike{if_told}", variable="aws:SourceArn", values=[source_arn]
                        ),
                        DataAwsIamPolicyDocumentStatementCondition(
                            test=f"StringEquals{if_told}", variable="aws:SourceAccount", values=[caller.account_id]
                        ),
                    ],
                ),
            ],
        )
        self.topic = SnsTopic(
            self,
            "Topic",
            name=name,
            display_name=display_name,
            policy=document.json,
            kms_master_key_id=kms_key_arn,
            tags={"Component": component},
        )
