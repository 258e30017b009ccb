"""The entry point: SQS messages with S3 notifications in, the messages to be retried out."""

from __future__ import annotations

import functools
import json
import os
import time
import traceback
from typing import Any, Protocol

import botocore.session
import psycopg
from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from handler.database import Database
from handler.environment import Environment
from handler.errors import InvalidMessage, TransientFault
from handler.events import EventBus
from handler.notifications import Upload, read_uploads
from handler.parameters import ParameterStore
from handler.processing import Processor
from handler.storage import ObjectStorage

# ASCII alone: a key may hold characters that JSON leaves as they are and a terminal obeys.
logger = Logger(service="tap", json_serializer=functools.partial(json.dumps, default=str, separators=(",", ":")))
metrics = Metrics(namespace="TAP", service="tap")

# Seconds. The queue retries for minutes: giving a message back is better than waiting long for an answer.
_CLIENT_CONFIG = Config(connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})


# Of the time that an invocation has, for what is under way: nothing new is begun in this last part of it. An upload
# that runs into the timeout fails its whole batch.
_LAST_PART = 1 / 4


class Context(Protocol):
    """What the function asks of Lambda about its invocation."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the timeout."""


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: Context) -> dict[str, list[dict[str, str]]]:
    """Answers with the messages to be retried; all others of the batch are done and will be deleted."""
    invocation = _Invocation(_processor(), context)
    try:
        failed = [message["messageId"] for message in event["Records"] if not invocation.process(message)]
    finally:
        if metrics.provider.metric_set:
            metrics.flush_metrics()
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def make_processor(environment: Environment) -> Processor:
    """A processor with clients and a connection of its own."""
    # botocore alone: the same clients through boto3 take some 60 ms more of every cold start.
    session = botocore.session.get_session()
    s3, ssm, events = (session.create_client(name, config=_CLIENT_CONFIG) for name in ("s3", "ssm", "events"))
    return Processor(
        storage=ObjectStorage(s3),
        database=Database(ParameterStore(ssm, environment)),
        events=EventBus(events, name=environment.event_bus_name, source=environment.event_source),
    )


@functools.cache
def _processor() -> Processor:
    # Once per container, since clients and connections take their time.
    environment = Environment.read(os.environ)
    metrics.set_default_dimensions(environment=environment.environment)
    return make_processor(environment)


class _Invocation:
    """One batch of messages, for as long as its time lasts."""

    def __init__(self, processor: Processor, context: Context) -> None:
        self._processor = processor
        self._milliseconds_left = context.get_remaining_time_in_millis
        self._reserve = _LAST_PART * self._milliseconds_left()

    def process(self, message: dict[str, Any]) -> bool:
        """Whether the message is done."""
        with logger.append_context_keys(message_id=message["messageId"]):
            try:
                uploads = read_uploads(message["body"])
            except InvalidMessage as error:
                logger.error(str(error))
                return False
            # All of them first, so that one upload's failure does not hold up the next.
            outcomes = [self._process_upload(upload) for upload in uploads]
            return all(outcomes)

    def _process_upload(self, upload: Upload) -> bool:
        identity = {"bucket": upload.bucket, "key": upload.readable_key, "version_id": upload.version_id}
        # The row and the event have this id as well: it leads from one to the other.
        with logger.append_context_keys(correlation_id=str(upload.event_id), **identity):
            if self._milliseconds_left() < self._reserve:
                logger.warning("Upload not begun, to be retried: too little time left")
                return False
            started = time.monotonic()
            try:
                detail = self._processor.process(upload)
            except Exception as error:  # noqa: BLE001 - whatever it is, the message must come again and the batch go on
                logger.error(
                    "Upload failed, to be retried",
                    error=type(error).__name__,
                    reason=_reason(error),
                    stack=traceback.format_tb(error.__traceback__),
                )
                return False
            if detail is None:
                logger.info("Upload was processed before")
            else:
                totals = detail.get("run", {}).get("totals")
                logger.info("Upload processed", status=detail["status"], error=detail.get("error"), totals=totals)
                _count(detail, milliseconds=(time.monotonic() - started) * 1000)
            return True


def _count(detail: dict[str, Any], *, milliseconds: float) -> None:
    metrics.add_metric("Reports", MetricUnit.Count, detail["kind"] == "junit")
    metrics.add_metric("Cases", MetricUnit.Count, detail["run"]["totals"]["tests"] if "run" in detail else 0)
    metrics.add_metric("Faults", MetricUnit.Count, detail["status"] == "error")
    metrics.add_metric("Duration", MetricUnit.Milliseconds, milliseconds)


def _reason(error: Exception) -> str | None:
    """What may be logged of an error: the message of any other might quote an upload's content."""
    if isinstance(error, psycopg.Error) and error.sqlstate:
        return error.sqlstate
    if isinstance(error, TransientFault | psycopg.OperationalError | BotoCoreError | ClientError):
        return str(error)
    return None
