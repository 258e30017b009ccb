"""An SQS queue whose consumer may fail without losing a message."""

import math

from cdktf import Fn
from cdktf_cdktf_provider_aws.sqs_queue import SqsQueue

from constructs import Construct
from constructs.alarm import Alarm
from constructs.caller import Caller
from constructs.metrics import queue_metric
from constructs.secure_queue import QueueSender, SecureQueue, depth_alarm, queue_arn
from constructs.validation import require_range

_FEWEST_RECEIVES = 5  # the same page: with fewer, throttling alone would move messages to the dead-letter queue


class ReliableQueue(Construct):
    """A queue for a consumer that may fail; a message that fails for too long goes to a dead-letter queue.

    `consumer_timeout`: seconds that the consumer may take for one batch. The queue hides messages for six times as
    long, as AWS asks for Lambda (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html), so that
    retries after throttling do not overtake a running one. At most 7,200: SQS hides for 12 hours at the most.
    `outage`: seconds for which the consumer may fail before its messages become dead letters: a failed message comes
    back after the time that it is hidden, so that time tells how many attempts the outage takes. Five more are allowed,
    which is the least. Raises ValueError for values out of range.
    """

    queue: SqsQueue
    dead_letter_queue: SqsQueue
    consumer_timeout: int
    visibility_timeout: int
    """Seconds after which a message that failed comes again."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        dead_letter_queue_name: str,
        caller: Caller,
        component: str,
        consumer_timeout: int,
        sender: QueueSender,
        outage: int = 0,
    ) -> None:
        super().__init__(scope, id)
        require_range("consumer_timeout", consumer_timeout, 1, 7_200, "seconds")
        visibility_timeout = self.visibility_timeout = 6 * consumer_timeout
        # SQS moves a message after 1,000 receives at the latest.
        require_range("outage", outage, 0, (1_000 - _FEWEST_RECEIVES) * visibility_timeout, "seconds")
        max_receives = math.ceil(outage / visibility_timeout) + _FEWEST_RECEIVES
        self.consumer_timeout = consumer_timeout
        self.dead_letter_queue = SecureQueue(
            self,
            "DeadLetters",
            name=dead_letter_queue_name,
            caller=caller,
            component=component,
            redrive_allow_policy=Fn.jsonencode(
                {"redrivePermission": "byQueue", "sourceQueueArns": [queue_arn(caller, name)]}
            ),
        ).queue
        self.queue = SecureQueue(
            self,
            "Source",
            name=name,
            caller=caller,
            component=component,
            visibility_timeout=visibility_timeout,
            # By its attribute: SQS refuses a dead-letter queue that does not exist yet
            # (https://github.com/serverless/serverless/issues/5215).
            redrive_policy=Fn.jsonencode(
                {"deadLetterTargetArn": self.dead_letter_queue.arn, "maxReceiveCount": max_receives}
            ),
            sender=sender,
        ).queue

    def dead_letter_alarm(self, subject: str) -> Alarm:
        """Raised by the first message that failed for too long. `subject`: what the queue is of, in its name."""
        return depth_alarm(
            self.dead_letter_queue,
            name=f"{subject}-dead-letters",
            meaning=f"Messages of the {subject} queue failed for too long, and wait in its dead-letter queue.",
        )

    def age_alarm(self, subject: str, *, meaning: str, seconds: int) -> Alarm:
        """Raised by a message that nobody has taken for so long.

        SQS does not count one that was received three times and failed: that one becomes a dead letter.
        """
        return Alarm(
            name=f"{subject}-queue-age",
            meaning=meaning,
            metric=queue_metric(self.queue, "ApproximateAgeOfOldestMessage", "Maximum"),
            threshold=seconds,
            unit="seconds",
            missing_data="ignore",
        )
