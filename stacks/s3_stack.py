"""Where reports arrive: the upload bucket, the queue that it fills, and the bucket of the function's code."""

from cdktf_cdktf_provider_aws.data_aws_s3_bucket import DataAwsS3Bucket
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.s3_bucket_notification import S3BucketNotification, S3BucketNotificationQueue

from constructs import Construct
from constructs.alarm import Alarm
from constructs.caller import Caller
from constructs.reliable_queue import ReliableQueue
from constructs.secure_bucket import SecureBucket
from constructs.secure_queue import QueueSender
from stacks.base import EnvironmentStack
from stacks.names import MaxLength, access_log_bucket_name, bucket_name, resource_name
from stacks.settings import EnvironmentSettings

_OUTAGE = 24 * 3600  # seconds that the function or the database may be down without an upload becoming a dead letter


class S3Stack(EnvironmentStack):
    """Upload bucket, artifact bucket, ingest queue with its dead-letter queue, and the notification between them.

    It outlives an environment that is given up, with the uploads.
    """

    bucket: S3Bucket
    artifact_bucket: S3Bucket
    ingest_queue: ReliableQueue
    alarms: tuple[Alarm, ...]

    def __init__(self, scope: Construct, *, environment: EnvironmentSettings, state_bucket: str | None) -> None:
        super().__init__(scope, "s3", environment=environment, state_bucket=state_bucket, outlives=True)
        caller = Caller(self, "Caller")
        account_id = caller.account_id
        # The account stack's.
        self._access_log_bucket = DataAwsS3Bucket(
            self, "AccessLogs", bucket=access_log_bucket_name(caller.region, account_id)
        ).bucket
        uploads = self._bucket("Uploads", "uploads", environment, account_id, retention=environment.outcome_retention)
        self.bucket = uploads.bucket
        self.artifact_bucket = self._bucket("Artifacts", "artifacts", environment, account_id).bucket
        self.ingest_queue = ReliableQueue(
            self,
            "Ingest",
            name=resource_name("ingest", environment.suffix, MaxLength.QUEUE),
            dead_letter_queue_name=resource_name("dlq-ingest", environment.suffix, MaxLength.QUEUE),
            caller=caller,
            component="ingest",
            consumer_timeout=environment.function_timeout,
            outage=_OUTAGE,
            sender=QueueSender(service="s3.amazonaws.com", source_arn=self.bucket.arn, source_account=account_id),
        )
        self.alarms = (
            self.ingest_queue.dead_letter_alarm("ingest"),
            self.ingest_queue.age_alarm(
                "ingest",
                meaning="Uploads wait in the ingest queue: more come than are processed, or none is processed.",
                # What failed once or twice is younger.
                seconds=3 * self.ingest_queue.visibility_timeout,
            ),
        )
        # All notifications of the bucket stand here: a second resource would replace this one.
        S3BucketNotification(
            self,
            "Notification",
            bucket=self.bucket.id,
            queue=[
                S3BucketNotificationQueue(
                    id="uploads", queue_arn=self.ingest_queue.queue.arn, events=["s3:ObjectCreated:*"]
                )
            ],
            # An upload before it has no version, and the function no identity for it.
            depends_on=[uploads.versioning],
        )

    def _bucket(
        self, id: str, service: str, environment: EnvironmentSettings, account_id: str, *, retention: int | None = None
    ) -> SecureBucket:
        return SecureBucket(
            self,
            id,
            name=bucket_name(service, environment.suffix, account_id),
            component=service,
            version_retention=environment.version_retention,
            retention=retention,
            access_log_bucket=self._access_log_bucket,
            force_destroy=environment.disposable,
        )
