"""The bucket to which the other buckets of an account and region log who uses them."""

from cdktf_cdktf_provider_aws.data_aws_iam_policy_document import (
    DataAwsIamPolicyDocumentStatement,
    DataAwsIamPolicyDocumentStatementCondition,
    DataAwsIamPolicyDocumentStatementPrincipals,
)

from constructs import Construct
from constructs.secure_bucket import SecureBucket

_OVERWRITTEN_RETENTION = 7  # days; S3 itself replaces no log


class AccessLogBucket(Construct):
    """A bucket to which S3 delivers the access logs of the account's buckets `source_arn` (with `*`), and nobody else.

    `retention`: days that logs are kept.
    """

    name: str
    """The bucket, once S3 may write to it."""

    def __init__(
        self, scope: Construct, id: str, *, name: str, arn: str, source_arn: str, account_id: str, retention: int
    ) -> None:
        super().__init__(scope, id)
        delivery = DataAwsIamPolicyDocumentStatement(
            sid="LogDelivery",
            principals=[
                DataAwsIamPolicyDocumentStatementPrincipals(type="Service", identifiers=["logging.s3.amazonaws.com"])
            ],
            actions=["s3:PutObject"],
            resources=[f"{arn}/*"],
            condition=[
                DataAwsIamPolicyDocumentStatementCondition(
                    test="ArnLike", variable="aws:SourceArn", values=[source_arn]
                ),
                DataAwsIamPolicyDocumentStatementCondition(
                    test="StringEquals", variable="aws:SourceAccount", values=[account_id]
                ),
            ],
        )
        bucket = SecureBucket(
            self,
            "Bucket",
            name=name,
            component="access-logs",
            version_retention=_OVERWRITTEN_RETENTION,
            retention=retention,
            # S3 delivers no logs to a bucket under aws/s3, and the logs of a log bucket would never end
            # (https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html).
            encryption="AES256",
            access_log_bucket=None,
            statements=[delivery],
        )
        self.name = bucket.policy.bucket
