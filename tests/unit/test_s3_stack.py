"""Uploads arrive in a private, versioned bucket and nothing is lost on the way into the queue."""

import pytest

from tests.unit.synthesized import Platform, Stack, queue_arn, sender, tls_only

UPLOADS = "tap-uploads-dev-{account}"
ARTIFACTS = "tap-artifacts-dev-{account}"


@pytest.fixture
def s3(platform: Platform) -> Stack:
    return platform["tap-s3-dev"]


def test_holds_two_buckets_the_ingest_queue_and_its_dead_letters(s3: Stack) -> None:
    """There is nothing in the stack beyond what the design lists."""
    assert s3.inventory == {
        "aws_s3_bucket": 2,
        "aws_s3_bucket_lifecycle_configuration": 2,
        "aws_s3_bucket_logging": 2,
        "aws_s3_bucket_notification": 1,
        "aws_s3_bucket_ownership_controls": 2,
        "aws_s3_bucket_policy": 2,
        "aws_s3_bucket_public_access_block": 2,
        "aws_s3_bucket_server_side_encryption_configuration": 2,
        "aws_s3_bucket_versioning": 2,
        "aws_sqs_queue": 2,
        "terraform_data": 1,
    }


@pytest.mark.parametrize(("bucket", "component"), [(UPLOADS, "uploads"), (ARTIFACTS, "artifacts")])
def test_buckets_are_named_after_the_account(s3: Stack, bucket: str, component: str) -> None:
    """Bucket names are global: they end in the account id, which Terraform looks up."""
    assert s3.resource("aws_s3_bucket", bucket=bucket)["tags"] == {"Component": component}


@pytest.mark.parametrize("bucket", [UPLOADS, ARTIFACTS])
class TestEveryBucket:
    def test_is_versioned(self, s3: Stack, bucket: str) -> None:
        """A replaced object is kept, and each upload has an identity of its own."""
        versioning = s3.resource("aws_s3_bucket_versioning", bucket=f"${{aws_s3_bucket[{bucket}].id}}")
        assert versioning["versioning_configuration"] == {"status": "Enabled"}

    def test_is_encrypted(self, s3: Stack, bucket: str) -> None:
        """Under the account's key aws/s3: no anonymous request may use it, and CloudTrail records who does."""
        encryption = s3.resource(
            "aws_s3_bucket_server_side_encryption_configuration", bucket=f"${{aws_s3_bucket[{bucket}].id}}"
        )
        assert encryption["rule"] == [
            {"apply_server_side_encryption_by_default": {"sse_algorithm": "aws:kms"}, "bucket_key_enabled": True}
        ]

    def test_logs_who_uses_it(self, s3: Stack, bucket: str) -> None:
        """The account's bucket of access logs is told of every request."""
        assert s3.resource("aws_s3_bucket_logging", bucket=f"${{aws_s3_bucket[{bucket}].id}}") == {
            "bucket": f"${{aws_s3_bucket[{bucket}].id}}",
            "target_bucket": "${data.aws_s3_bucket[tap-access-logs-{region}-{account}].bucket}",
            "target_prefix": f"${{aws_s3_bucket[{bucket}].bucket}}/",
        }

    def test_admits_no_public_access(self, s3: Stack, bucket: str) -> None:
        """No ACL and no policy can open the bucket to the public."""
        assert s3.resource("aws_s3_bucket_public_access_block", bucket=f"${{aws_s3_bucket[{bucket}].id}}") == {
            "bucket": f"${{aws_s3_bucket[{bucket}].id}}",
            "block_public_acls": True,
            "block_public_policy": True,
            "ignore_public_acls": True,
            "restrict_public_buckets": True,
        }

    def test_owns_its_objects(self, s3: Stack, bucket: str) -> None:
        """ACLs are off: whoever uploads, the account owns the object."""
        ownership = s3.resource("aws_s3_bucket_ownership_controls", bucket=f"${{aws_s3_bucket[{bucket}].id}}")
        assert ownership["rule"] == {"object_ownership": "BucketOwnerEnforced"}

    def test_is_reached_over_tls_only(self, s3: Stack, bucket: str) -> None:
        """The policy refuses everybody without TLS, and admits nobody."""
        policy = s3.resource("aws_s3_bucket_policy", bucket=f"${{aws_s3_bucket[{bucket}].id}}")
        arn = f"${{aws_s3_bucket[{bucket}].arn}}"
        assert policy["policy"] == [tls_only("s3:*", arn, f"{arn}/*")]

    def test_writes_its_policy_after_its_access_block(self, s3: Stack, bucket: str) -> None:
        """S3 refuses to write both at the same time."""
        policy = s3.resource("aws_s3_bucket_policy", bucket=f"${{aws_s3_bucket[{bucket}].id}}")
        assert policy["depends_on"] == [f"aws_s3_bucket_public_access_block[{bucket}]"]

    def test_removes_leftovers(self, s3: Stack, bucket: str) -> None:
        """Old versions after 30 days, unfinished uploads after 7, reports with their runs; once versioning is on."""
        lifecycle = s3.resource("aws_s3_bucket_lifecycle_configuration", bucket=f"${{aws_s3_bucket[{bucket}].id}}")
        (rule,) = lifecycle["rule"]
        del rule["id"]
        assert rule == {
            "status": "Enabled",
            "filter": [{"prefix": ""}],
            # Which takes the markers of deleted objects along.
            "expiration": [{"days": 90} if "uploads" in bucket else {"expired_object_delete_marker": True}],
            "noncurrent_version_expiration": [{"noncurrent_days": 30}],
            "abort_incomplete_multipart_upload": [{"days_after_initiation": 7}],
        }
        assert lifecycle["depends_on"] == [f"aws_s3_bucket_versioning[{bucket}]"]


def test_every_new_upload_is_announced_to_the_ingest_queue(s3: Stack) -> None:
    """One notification, of all created objects whatever their key."""
    notification = s3.resource("aws_s3_bucket_notification")
    (queue,) = notification["queue"]
    del queue["id"]
    assert notification["bucket"] == f"${{aws_s3_bucket[{UPLOADS}].id}}"
    assert queue == {"queue_arn": "${aws_sqs_queue[tap-ingest-dev].arn}", "events": ["s3:ObjectCreated:*"]}


def test_notification_waits_for_the_queue_and_its_policy(s3: Stack) -> None:
    """S3 refuses a notification to a queue that does not admit it yet; the emulator does not."""
    (queue,) = s3.resource("aws_s3_bucket_notification")["queue"]
    assert queue["queue_arn"] == "${aws_sqs_queue[tap-ingest-dev].arn}"
    assert s3.resource("aws_sqs_queue", name="tap-ingest-dev")["policy"]


def test_only_the_upload_bucket_may_send_to_the_ingest_queue(s3: Stack) -> None:
    """The queue admits S3 on behalf of that bucket of this account, over TLS."""
    assert s3.resource("aws_sqs_queue", name="tap-ingest-dev")["policy"] == [
        tls_only("sqs:*", queue_arn("tap-ingest-dev")),
        sender("s3.amazonaws.com", f"${{aws_s3_bucket[{UPLOADS}].arn}}", "tap-ingest-dev"),
    ]


def test_no_service_may_send_to_the_dead_letter_queue(s3: Stack) -> None:
    """Dead letters come from SQS itself, which asks no policy."""
    queue = s3.resource("aws_sqs_queue", name="tap-dlq-ingest-dev")
    assert queue["policy"] == [tls_only("sqs:*", queue_arn("tap-dlq-ingest-dev"))]


def test_a_message_that_fails_for_more_than_a_day_becomes_a_dead_letter(s3: Stack) -> None:
    """It comes back every 720 seconds, and five of its attempts may be spent otherwise."""
    queue = s3.resource("aws_sqs_queue", name="tap-ingest-dev")
    assert queue["visibility_timeout_seconds"] * 120 == 24 * 3600
    assert queue["redrive_policy"] == (
        '${jsonencode({"deadLetterTargetArn" = aws_sqs_queue[tap-dlq-ingest-dev].arn, "maxReceiveCount" = 125})}'
    )


def test_only_the_ingest_queue_may_use_its_dead_letter_queue(s3: Stack) -> None:
    """Another queue cannot redrive into it."""
    assert s3.resource("aws_sqs_queue", name="tap-dlq-ingest-dev")["redrive_allow_policy"] == (
        f'${{jsonencode({{"redrivePermission" = "byQueue", "sourceQueueArns" = ["{queue_arn("tap-ingest-dev")}"]}})}}'
    )


def test_the_dead_letter_queue_redrives_nowhere(s3: Stack) -> None:
    """A dead letter stays until somebody looks at it."""
    assert "redrive_policy" not in s3.resource("aws_sqs_queue", name="tap-dlq-ingest-dev")


@pytest.mark.parametrize("suffix", ["dev", "staging", "prod"])
def test_a_message_is_hidden_for_six_times_the_functions_timeout(platform: Platform, suffix: str) -> None:
    """What AWS asks for, so that a retry does not overtake a running function."""
    function = platform[f"tap-lambda-{suffix}"].resource("aws_lambda_function")
    queue = platform[f"tap-s3-{suffix}"].resource("aws_sqs_queue", name=f"tap-ingest-{suffix}")
    assert queue["visibility_timeout_seconds"] == 6 * function["timeout"] == 720
