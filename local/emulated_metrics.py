"""What AWS's services measure, measured here: each metric with the name, dimensions and unit that AWS gives it.

All of it goes into moto's CloudWatch, which shows it to whoever asks.
"""

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import psycopg
from moto.cloudwatch.models import cloudwatch_backends
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.rds.models import rds_backends
from moto.sqs.models import Queue, sqs_backends

from local.emulated_rds import RealServers
from local.emulator import REGION
from local.worker import Invocation

Datum = tuple[str, float, str]
"""Name, value and unit."""

# A message that was received more often is a poison pill to SQS, and its age is left out.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
_UNSUSPICIOUS_RECEIVES = 2


def put(namespace: str, dimensions: Mapping[str, str], *data: Datum, at: datetime | None = None) -> None:
    """Add data to metrics, of this moment unless it is said otherwise."""
    at = at or datetime.now(UTC)
    cloudwatch_backends[DEFAULT_ACCOUNT_ID][REGION].put_metric_data(
        namespace,
        [
            {
                "MetricName": name,
                "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
                "Value": value,
                "Unit": unit,
                # moto's times have no time zone, and are UTC's.
                "Timestamp": at.astimezone(UTC).replace(tzinfo=None),
            }
            for name, value, unit in data
        ],
    )


def count_invocation(invocation: Invocation, *, speed: int) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html

    At the time when the function was invoked.
    """
    put(
        "AWS/Lambda",
        {"FunctionName": invocation.function},
        ("Invocations", 1, "Count"),
        ("Errors", invocation.failed, "Count"),
        # The worker lets one invocation wait for the other.
        ("Throttles", 0, "Count"),
        ("Duration", invocation.duration, "Milliseconds"),
        at=datetime.now(UTC) - timedelta(milliseconds=invocation.duration / speed),
    )


def count_request(function: str, status: int, *, seconds: float) -> None:
    """Of a function's URL; https://docs.aws.amazon.com/lambda/latest/dg/urls-monitoring.html."""
    put(
        "AWS/Lambda",
        {"FunctionName": function},
        ("UrlRequestCount", 1, "Count"),
        ("Url4xxCount", HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR, "Count"),
        ("Url5xxCount", status >= HTTPStatus.INTERNAL_SERVER_ERROR, "Count"),
        ("UrlRequestLatency", seconds * 1000, "Milliseconds"),
    )


def measure_queues(*, at: datetime, speed: int) -> None:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html"""
    for queue in [*sqs_backends[DEFAULT_ACCOUNT_ID][REGION].queues.values()]:
        put("AWS/SQS", {"QueueName": queue.name}, *_data_of_queue(queue, speed), at=at)


def _data_of_queue(queue: Queue, speed: int) -> Iterator[Datum]:
    yield "ApproximateNumberOfMessagesVisible", queue.approximate_number_of_messages, "Count"
    yield "ApproximateNumberOfMessagesNotVisible", queue.approximate_number_of_messages_not_visible, "Count"
    yield "ApproximateNumberOfMessagesDelayed", queue.approximate_number_of_messages_delayed, "Count"
    ages = [
        time.time() - message.arrived_at  # type: ignore[attr-defined]
        for message in [*queue._messages]
        if message.approximate_receive_count - message.received_elsewhere  # type: ignore[attr-defined]
        <= _UNSUSPICIOUS_RECEIVES
    ]
    if ages:
        yield "ApproximateAgeOfOldestMessage", max(ages) * speed, "Seconds"


def measure_databases(servers: RealServers, *, at: datetime) -> None:
    """Of those that run; https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html."""
    for name, instance in [*rds_backends[DEFAULT_ACCOUNT_ID][REGION].databases.items()]:
        try:
            load = servers[name].load()
        except (KeyError, psycopg.Error):
            continue
        put(
            "AWS/RDS",
            {"DBInstanceIdentifier": name},
            ("DatabaseConnections", load.connections, "Count"),
            ("FreeStorageSpace", int(instance.allocated_storage) * 2**30 - load.size, "Bytes"),
            at=at,
        )
