"""An S3 bucket as every bucket of TAP is: private, encrypted, versioned, and reached over TLS only."""

from collections.abc import Sequence
from typing import Literal

from cdktf import TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.data_aws_iam_policy_document import (
    DataAwsIamPolicyDocument,
    DataAwsIamPolicyDocumentStatement,
)
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.s3_bucket_lifecycle_configuration import (
    S3BucketLifecycleConfiguration,
    S3BucketLifecycleConfigurationRule,
    S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload,
    S3BucketLifecycleConfigurationRuleExpiration,
    S3BucketLifecycleConfigurationRuleFilter,
    S3BucketLifecycleConfigurationRuleNoncurrentVersionExpiration,
)
from cdktf_cdktf_provider_aws.s3_bucket_logging import S3BucketLoggingA
from cdktf_cdktf_provider_aws.s3_bucket_ownership_controls import (
    S3BucketOwnershipControls,
    S3BucketOwnershipControlsRule,
)
from cdktf_cdktf_provider_aws.s3_bucket_policy import S3BucketPolicy
from cdktf_cdktf_provider_aws.s3_bucket_public_access_block import S3BucketPublicAccessBlock
from cdktf_cdktf_provider_aws.s3_bucket_server_side_encryption_configuration import (
    S3BucketServerSideEncryptionConfigurationA,
    S3BucketServerSideEncryptionConfigurationRuleA,
    S3BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultA,
)
from cdktf_cdktf_provider_aws.s3_bucket_versioning import (
    S3BucketVersioningA,
    S3BucketVersioningVersioningConfiguration,
)

from constructs import Construct
from constructs.tls_only import tls_only_statement
from constructs.validation import require_range

_UNFINISHED_UPLOAD_DAYS = 7


class SecureBucket(Construct):
    """A bucket with versioning, encryption, a TLS-only policy, no public access, no ACLs, and a lifecycle.

    `version_retention`: days that replaced and deleted objects are kept. Raises ValueError unless it is at least 1.
    `access_log_bucket`: the bucket that is told of every request; None for that bucket alone.
    `encryption`: under the account's key `aws/s3`, whose uses CloudTrail records and which no anonymous request has;
    or `AES256`, for writers who may not use it.
    `retention`: days that objects are kept at all; None is for ever. `statements`: what the policy says beside TLS.
    `force_destroy`: a destroy empties the bucket first; otherwise a bucket that is not empty stays.
    `prevent_destroy`: Terraform refuses any plan that would destroy the bucket.
    """

    bucket: S3Bucket
    versioning: S3BucketVersioningA
    policy: S3BucketPolicy

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        component: str,
        version_retention: int,
        access_log_bucket: str | None,
        encryption: Literal["aws:kms", "AES256"] = "aws:kms",
        retention: int | None = None,
        statements: Sequence[DataAwsIamPolicyDocumentStatement] = (),
        force_destroy: bool = False,
        prevent_destroy: bool = False,
    ) -> None:
        super().__init__(scope, id)
        require_range("version_retention", version_retention, 1, 36_500, "days")
        self.bucket = S3Bucket(
            self,
            "Bucket",
            bucket=name,
            force_destroy=force_destroy,
            lifecycle=TerraformResourceLifecycle(prevent_destroy=True) if prevent_destroy else None,
            tags={"Component": component},
        )
        self.versioning = S3BucketVersioningA(
            self,
            "Versioning",
            bucket=self.bucket.id,
            versioning_configuration=S3BucketVersioningVersioningConfiguration(status="Enabled"),
        )
        S3BucketServerSideEncryptionConfigurationA(
            self,
            "Encryption",
            bucket=self.bucket.id,
            rule=[
                S3BucketServerSideEncryptionConfigurationRuleA(
                    apply_server_side_encryption_by_default=(
                        S3BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultA(
                            sse_algorithm=encryption
                        )
                    ),
                    # One request to KMS serves many objects.
                    bucket_key_enabled=True if encryption == "aws:kms" else None,
                )
            ],
        )
        public_access_block = S3BucketPublicAccessBlock(
            self,
            "PublicAccessBlock",
            bucket=self.bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
        )
        S3BucketOwnershipControls(
            self,
            "OwnershipControls",
            bucket=self.bucket.id,
            rule=S3BucketOwnershipControlsRule(object_ownership="BucketOwnerEnforced"),
        )
        policy = DataAwsIamPolicyDocument(
            self,
            "PolicyDocument",
            # In this order: the emulator looks for who may deliver logs, and stumbles over "everybody" on its way.
            statement=[*statements, tls_only_statement("s3:*", self.bucket.arn, f"{self.bucket.arn}/*")],
        )
        self.policy = S3BucketPolicy(
            self,
            "Policy",
            bucket=self.bucket.id,
            policy=policy.json,
            # S3 answers 409 when a bucket's policy and its access block are written at the same time.
            depends_on=[public_access_block],
        )
        if access_log_bucket:
            S3BucketLoggingA(
                self,
                "Logging",
                bucket=self.bucket.id,
                target_bucket=access_log_bucket,
                target_prefix=f"{self.bucket.bucket}/",
            )
        S3BucketLifecycleConfiguration(
            self,
            "Lifecycle",
            bucket=self.bucket.id,
            rule=[
                S3BucketLifecycleConfigurationRule(
                    id="remove-leftovers",
                    status="Enabled",
                    filter=[S3BucketLifecycleConfigurationRuleFilter(prefix="")],
                    expiration=[
                        S3BucketLifecycleConfigurationRuleExpiration(days=retention)
                        if retention
                        # The marker of a deleted object goes with the last of its versions.
                        else S3BucketLifecycleConfigurationRuleExpiration(expired_object_delete_marker=True)
                    ],
                    noncurrent_version_expiration=[
                        S3BucketLifecycleConfigurationRuleNoncurrentVersionExpiration(noncurrent_days=version_retention)
                    ],
                    abort_incomplete_multipart_upload=[
                        S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload(
                            days_after_initiation=_UNFINISHED_UPLOAD_DAYS
                        )
                    ],
                )
            ],
            # Rules about versions need versioning to be on (PutBucketLifecycleConfiguration).
            depends_on=[self.versioning],
        )
