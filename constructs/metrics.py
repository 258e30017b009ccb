"""What CloudWatch measures: by AWS's names, and with the dimensions under which each service publishes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from cdktf_cdktf_provider_aws.cloudwatch_event_bus import CloudwatchEventBus
from cdktf_cdktf_provider_aws.cloudwatch_event_rule import CloudwatchEventRule
from cdktf_cdktf_provider_aws.db_instance import DbInstance
from cdktf_cdktf_provider_aws.lambda_function import LambdaFunction
from cdktf_cdktf_provider_aws.sqs_queue import SqsQueue

Statistic = Literal["Average", "Maximum", "Minimum", "Sum", "p99"]

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
QueueMetric = Literal[
    "ApproximateAgeOfOldestMessage",  # seconds; of a dead-letter queue, since the message came there
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesVisible",
]

# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html, and those of a URL:
# https://docs.aws.amazon.com/lambda/latest/dg/urls-monitoring.html#urls-cloudwatch
FunctionMetric = Literal[
    "ConcurrentExecutions",
    "Duration",  # milliseconds, without the start of a container; it has percentiles
    "Errors",
    "Invocations",
    "Throttles",
    "Url5xxCount",
    "UrlRequestCount",
    "UrlRequestLatency",  # milliseconds
]

# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html#eb-metrics. Most are published only when
# they are not zero.
RuleMetric = Literal["FailedInvocations", "Invocations", "InvocationsFailedToBeSentToDlq", "MatchedEvents"]

# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html
DatabaseMetric = Literal[
    "CPUCreditBalance",  # of burstable classes alone, every five minutes
    "CPUUtilization",  # percent
    "DatabaseConnections",
    "FreeStorageSpace",  # bytes
    "ReadLatency",  # seconds
    "WriteLatency",  # seconds
]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric of one resource, and the statistic of it that counts.

    `dimensions`: all that it is published with; CloudWatch does not find it by some of them.
    """

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    statistic: Statistic


def queue_metric(queue: SqsQueue, name: QueueMetric, statistic: Statistic) -> Metric:
    return Metric(namespace="AWS/SQS", name=name, dimensions={"QueueName": queue.name}, statistic=statistic)


def function_metric(function: LambdaFunction, name: FunctionMetric, statistic: Statistic) -> Metric:
    dimensions = {"FunctionName": function.function_name}
    return Metric(namespace="AWS/Lambda", name=name, dimensions=dimensions, statistic=statistic)


def rule_metric(
    rule: CloudwatchEventRule, name: RuleMetric, statistic: Statistic, *, bus: CloudwatchEventBus | None = None
) -> Metric:
    """`bus`: the custom bus that the rule is on; the metrics of a rule on the default bus do not name it."""
    dimensions = {"EventBusName": bus.name} if bus else {}
    return Metric(
        namespace="AWS/Events", name=name, dimensions={**dimensions, "RuleName": rule.name}, statistic=statistic
    )


def database_metric(instance: DbInstance, name: DatabaseMetric, statistic: Statistic) -> Metric:
    dimensions = {"DBInstanceIdentifier": instance.identifier}
    return Metric(namespace="AWS/RDS", name=name, dimensions=dimensions, statistic=statistic)
