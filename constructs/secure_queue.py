"""An SQS queue as every queue of TAP is: encrypted, reached over TLS only, and open to one sender at most."""

from dataclasses import dataclass

from cdktf_cdktf_provider_aws.data_aws_iam_policy_document import (
    DataAwsIamPolicyDocument,
    DataAwsIamPolicyDocumentStatement,
    DataAwsIamPolicyDocumentStatementCondition,
    DataAwsIamPolicyDocumentStatementPrincipals,
)
from cdktf_cdktf_provider_aws.sqs_queue import SqsQueue

from constructs import Construct
from constructs.alarm import Alarm
from constructs.caller import Caller
from constructs.metrics import queue_metric
from constructs.tls_only import tls_only_statement
from constructs.validation import require_range

MAX_RETENTION_SECONDS = 14 * 24 * 3600  # the longest that SQS keeps a message, and so the longest to notice a fault


@dataclass(frozen=True, kw_only=True)
class QueueSender:
    """The AWS service that may send to a queue, and the one resource on whose behalf it does."""

    service: str
    source_arn: str
    source_account: str


class SecureQueue(Construct):
    """A queue with SSE-SQS and a TLS-only policy, both there from its first moment.

    SSE-SQS and not `alias/aws/sqs`: S3 and EventBridge may not use that key, and would silently deliver nothing.
    `visibility_timeout`: seconds that a received message is hidden from others; SQS takes 0 to 43,200.
    `sender`: who may send beside the account's own identities; nobody if it is None.
    `redrive_policy`, `redrive_allow_policy`: JSON, as SQS takes them.
    """

    queue: SqsQueue

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        caller: Caller,
        component: str,
        visibility_timeout: int = 30,
        redrive_policy: str | None = None,
        redrive_allow_policy: str | None = None,
        sender: QueueSender | None = None,
    ) -> None:
        super().__init__(scope, id)
        require_range("visibility_timeout", visibility_timeout, 0, 43_200, "seconds")
        # By its name, since the policy is part of the queue: one that is a resource of its own comes later, and the
        # provider waits 25 s for each.
        arn = queue_arn(caller, name)
        statements = [tls_only_statement("sqs:*", arn)]
        if sender:
            statements.append(_sender_statement(sender, arn))
        document = DataAwsIamPolicyDocument(self, "PolicyDocument", statement=statements)
        self.queue = SqsQueue(
            self,
            "Queue",
            name=name,
            policy=document.json,
            sqs_managed_sse_enabled=True,
            message_retention_seconds=MAX_RETENTION_SECONDS,
            visibility_timeout_seconds=visibility_timeout,
            receive_wait_time_seconds=20,
            redrive_policy=redrive_policy,
            redrive_allow_policy=redrive_allow_policy,
            tags={"Component": component},
        )


def depth_alarm(queue: SqsQueue, *, name: str, meaning: str) -> Alarm:
    """Raised by the first message in a queue that is empty as long as all is well."""
    return Alarm(
        name=name,
        meaning=meaning,
        metric=queue_metric(queue, "ApproximateNumberOfMessagesVisible", "Maximum"),
        threshold=1,
        unit="messages",
        # SQS measures no queue in which nothing has happened for six hours.
        missing_data="ignore",
    )


def queue_arn(caller: Caller, name: str) -> str:
    """The ARN of a queue of the account and region, whether or not it exists yet."""
    return caller.arn("sqs", name)


def _sender_statement(sender: QueueSender, arn: str) -> DataAwsIamPolicyDocumentStatement:
    return DataAwsIamPolicyDocumentStatement(
        sid="Sender",
        effect="Allow",
        principals=[DataAwsIamPolicyDocumentStatementPrincipals(type="Service", identifiers=[sender.service])],
        actions=["sqs:SendMessage"],
        resources=[arn],
        condition=[
            DataAwsIamPolicyDocumentStatementCondition(
                test="ArnEquals", variable="aws:SourceArn", values=[sender.source_arn]
            ),
            DataAwsIamPolicyDocumentStatementCondition(
                test="StringEquals", variable="aws:SourceAccount", values=[sender.source_account]
            ),
        ],
    )
