"""An SQS queue as every queue of TAP is: encrypted, reached over TLS only, and open to one sender at most."""

from dataclasses import dataclass

from cdktf_cdktf_provider_aws.data_aws_iam_policy_document import (
    DataAwsIamPolicyDocument,
    DataAwsIamPolicyDocumentStatement,
    DataAwsIamPolicyDocumentStatementCondition,
    DataAwsIamPolicyDocumentStatementPrincipals,
)
from cdktf_cdktf_provider_aws.sqs_queue import SqsQueue
from cdktf_cdktf_provider_aws.sqs_queue_policy import SqsQueuePolicy

from constructs import Construct
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
    """A queue with SSE-SQS and a TLS-only policy.

    SSE-SQS and not `alias/aws/sqs`: S3 and EventBridge may not use that key, and would silently deliver nothing.
    `visibility_timeout`: seconds that a received message is hidden from others; SQS takes 0 to 43,200.
    `sender`: who may send beside the account's own identities; nobody if it is None.
    """

    queue: SqsQueue
    policy: SqsQueuePolicy

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        component: str,
        visibility_timeout: int = 30,
        redrive_policy: str | None = None,
        sender: QueueSender | None = None,
    ) -> None:
        super().__init__(scope, id)
        require_range("visibility_timeout", visibility_timeout, 0, 43_200, "seconds")
        self.queue = SqsQueue(
            self,
            "Queue",
            name=name,
            sqs_managed_sse_enabled=True,
            message_retention_seconds=MAX_RETENTION_SECONDS,
            visibility_timeout_seconds=visibility_timeout,
            receive_wait_time_seconds=20,
            redrive_policy=redrive_policy,
            tags={"Component": component},
        )
        statements = [tls_only_statement("sqs:*", self.queue.arn)]
        if sender:
            statements.append(_sender_statement(sender, self.queue.arn))
        document = DataAwsIamPolicyDocument(self, "PolicyDocument", statement=statements)
        self.policy = SqsQueuePolicy(self, "Policy", queue_url=self.queue.url, policy=document.json)


def _sender_statement(sender: QueueSender, queue_arn: str) -> DataAwsIamPolicyDocumentStatement:
    return DataAwsIamPolicyDocumentStatement(
        sid="Sender",
        effect="Allow",
        principals=[DataAwsIamPolicyDocumentStatementPrincipals(type="Service", identifiers=[sender.service])],
        actions=["sqs:SendMessage"],
        resources=[queue_arn],
        condition=[
            DataAwsIamPolicyDocumentStatementCondition(
                test="ArnEquals", variable="aws:SourceArn", values=[sender.source_arn]
            ),
            DataAwsIamPolicyDocumentStatementCondition(
                test="StringEquals", variable="aws:SourceAccount", values=[sender.source_account]
            ),
        ],
    )
