"""The event source mapping that lets Lambda read a queue."""

import math

from cdktf_cdktf_provider_aws.lambda_event_source_mapping import (
    LambdaEventSourceMapping,
    LambdaEventSourceMappingScalingConfig,
)

from constructs import Construct
from constructs.alarm import Alarm
from constructs.metrics import Metric
from constructs.python_function import PythonFunction
from constructs.reliable_queue import ReliableQueue
from constructs.validation import require_range


class QueueEventSource(Construct):
    """Feeds `function` from `queue`; the function answers which messages of a batch failed.

    `batch_size`: messages, 1 to 10. `maximum_concurrency`: functions at once, 2 to 1000; this caps the load without
    the throttling that reserved concurrency would cause, which sends messages to the dead-letter queue unseen.
    Raises ValueError for a value out of range, and if the function may run longer than the queue waits for it.
    """

    event_source_mapping: LambdaEventSourceMapping

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        queue: ReliableQueue,
        function: PythonFunction,
        maximum_concurrency: int,
        batch_size: int = 10,
    ) -> None:
        super().__init__(scope, id)
        require_range("maximum_concurrency", maximum_concurrency, 2, 1000, "functions")
        require_range("batch_size", batch_size, 1, 10, "messages")
        if function.timeout > queue.consumer_timeout:
            raise ValueError(
                f"the function's timeout of {function.timeout} s exceeds the queue's consumer_timeout of"
                f" {queue.consumer_timeout} s: raise consumer_timeout, which sets the visibility timeout"
            )
        self._hidden = queue.visibility_timeout
        self.event_source_mapping = LambdaEventSourceMapping(
            self,
            "Mapping",
            event_source_arn=queue.queue.arn,
            function_name=function.function.arn,
            batch_size=batch_size,
            function_response_types=["ReportBatchItemFailures"],
            scaling_config=LambdaEventSourceMappingScalingConfig(maximum_concurrency=maximum_concurrency),
            tags={"Component": "function"},
        )

    def alarm(self, subject: str, *, given_back: Metric) -> Alarm:
        """Raised when messages fail again and again: the function works, but what it does does not.

        `given_back`: the function's own count of the messages that it gives back, since to Lambda a batch of which it
        gives back a part, or all, is no error (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html).
        """
        period = 300
        return Alarm(
            name=f"{subject}-given-back",
            meaning=f"The {subject} function gave messages back to its queue, again and again.",
            metric=given_back,
            threshold=1,
            unit="messages",
            period=period,
            # Long enough for three attempts at one message; all messages fail in three periods one after the other.
            evaluation_periods=math.ceil(2 * self._hidden / period) + 2,
            datapoints=3,
            missing_data="notBreaching",
        )
