"""The ingest function: takes SQS messages with S3 notifications, returns the messages to retry."""

# ruff: noqa: E402 - a cold start waits for the imports. Nothing that they make is garbage, and looking for it all the same
# takes a seventh of their time.

from __future__ import annotations

import gc

gc.disable()

import functools
import os
import random
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import psycopg
from aws_lambda_powertools.metrics import Metrics, MetricUnit
from botocore.exceptions import BotoCoreError, ClientError

from handler.announcing.publisher import EventPublisher
from handler.aws_clients import make_clients
from handler.environment_variables import IngestVariables
from handler.errors import InvalidMessage, NotReplaced, TransientFault
from handler.lambda_context import LambdaContext
from handler.log import logger
from handler.metric_names import NAMESPACE, SERVICE, MetricName
from handler.notifications import Reingest, Upload, read_message
from handler.parameters import ParameterStore
from handler.processing import Processor
from handler.recording.database import Database, DatabaseUnavailable, is_connection_lost
from handler.recording.invalid_messages import set_aside
from handler.recording.uploads import Recorded
from handler.storage import ObjectStorage

gc.freeze()
gc.enable()

metrics = Metrics(namespace=NAMESPACE, service=SERVICE)

# Of the time that an invocation has, for what is under way: nothing new is begun in this last part of it. An upload
# that runs into the timeout fails its whole batch.
_LAST_PART = 1 / 4

# Seconds to wait for a database that is unavailable before trying again: the first pause and the longest. A failover
# of RDS takes one or two minutes, while a message that is given back comes only after the queue's visibility timeout.
_FIRST_PAUSE, _LONGEST_PAUSE = 1, 8

# Milliseconds, enforced by the server: for a statement, for a lock that another delivery of the upload holds,
# and for a transaction whose container stopped in its middle (putting an event takes less, retries included).
TIMEOUTS = {
    "statement_timeout": 30_000,
    "lock_timeout": 10_000,
    "idle_in_transaction_session_timeout": 60_000,
    # A function that was killed while it waited for a lock must not keep its place.
    "client_connection_check_interval": 5_000,
}

# A message that was received more often goes last in its batch: it may be one that ends its container.
_UNSUSPICIOUS_RECEIVES = 3


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, list[dict[str, str]]]:
    """Returns the messages to retry; all others of the batch are done, and Lambda deletes them."""
    invocation = _Invocation(_processor(), context)
    try:
        failed = [message["messageId"] for message in _in_turn(event["Records"]) if not invocation.process(message)]
        if failed:
            metrics.add_metric(MetricName.GIVEN_BACK_MESSAGES, MetricUnit.Count, len(failed))
    finally:
        if metrics.provider.metric_set:
            metrics.flush_metrics()
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def make_processor(environment: IngestVariables) -> Processor:
    """A processor with clients and a connection of its own."""
    s3, ssm, events = make_clients("s3", "ssm", "events")
    return Processor(
        storage=ObjectStorage(s3),
        database=Database(
            ParameterStore(ssm, environment),
            application_name="tap-ingest",
            settings=TIMEOUTS,
        ),
        publisher=EventPublisher(events, name=environment.event_bus_name, source=environment.event_source),
        retention=timedelta(days=environment.outcome_retention),
        results_address=environment.results_address,
        announce_test_names=environment.announce_test_names,
    )


@functools.cache
def _processor() -> Processor:
    # Once per container, since clients and connections take their time.
    environment = IngestVariables.read(os.environ)
    metrics.set_default_dimensions(environment=environment.environment)
    return make_processor(environment)


def _in_turn(messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The messages in the order in which they are processed: those last that failed again and again.

    The order of those is left to chance, so that one that ends its container does not always take the same ones along.
    """

    def turn(message: dict[str, Any]) -> float:
        receives = int(message["attributes"]["ApproximateReceiveCount"])
        return 1 + random.random() if receives > _UNSUSPICIOUS_RECEIVES else 0  # noqa: S311 - no secret

    return sorted(messages, key=turn)


def _pauses() -> Iterator[float]:
    """Seconds between attempts: longer and longer, and never the same for two containers."""
    pause = _FIRST_PAUSE
    while True:
        yield pause * random.uniform(0.5, 1)  # noqa: S311 - no secret
        pause = min(2 * pause, _LONGEST_PAUSE)


class _Invocation:
    """One batch of messages, for as long as its time lasts."""

    def __init__(self, processor: Processor, context: LambdaContext) -> None:
        self._processor = processor
        self._milliseconds_left = context.get_remaining_time_in_millis
        self._reserve = _LAST_PART * self._milliseconds_left()  # milliseconds

    def process(self, message: dict[str, Any]) -> bool:
        """Whether the message is done."""
        with logger.append_context_keys(message_id=message["messageId"]):
            try:
                wanted = read_message(message["body"])
            except InvalidMessage as error:
                logger.error(str(error))
                return self._succeeds("Message", partial(self._set_aside, message))
            # All of them first, so that one upload's failure does not hold up the next.
            outcomes = [self._process_version(version) for version in wanted]
            return all(outcomes)

    def _process_version(self, version: Upload | Reingest) -> bool:
        identity = {"bucket": version.bucket, "key": version.readable_key, "version_id": version.version_id}
        # The row and the event have this id as well: it leads from one to the other.
        with logger.append_context_keys(correlation_id=str(version.upload_id), **identity):
            return self._succeeds("Upload", partial(self._process, version))

    def _process(self, version: Upload | Reingest) -> None:
        started = time.monotonic()
        try:
            if isinstance(version, Reingest):
                recorded = self._processor.process_again(version)
            else:
                recorded = self._processor.process(version)
        except NotReplaced as reason:
            logger.warning("Upload stays as it is recorded", reason=str(reason))
            return
        if recorded is None:
            logger.info("Upload was processed before")
            return
        fault, run = recorded.fault, recorded.run
        logger.info(
            "Upload processed again" if isinstance(version, Reingest) else "Upload processed",
            status=recorded.status,
            expired=recorded.is_expired,
            error=fault and fault._asdict(),
            totals=run and run.totals,
        )
        if run and run.series != recorded.origin.series:
            logger.warning("Project has too many series: name the job in tap-job", project=recorded.origin.project)
        _count(recorded, milliseconds=(time.monotonic() - started) * 1000)

    def _set_aside(self, message: dict[str, Any]) -> None:
        set_aside(self._processor.database.connected(), message["messageId"], message["body"])
        metrics.add_metric(MetricName.INVALID_MESSAGES, MetricUnit.Count, 1)

    def _succeeds(self, subject: str, act: Callable[[], None]) -> bool:
        """Whether `act` did its work: tried again while the database is unavailable and the time lasts.

        A connection that is lost in the middle of the work is worth one more attempt: more would not help against a
        report that ends its connection each time.
        """
        pauses = _pauses()
        lost = False
        needed = self._reserve
        while (begun := self._milliseconds_left()) >= needed:
            try:
                act()
            except Exception as error:  # noqa: BLE001 - whatever it is, the message must come again and the batch go on
                name, reason = type(error).__name__, _reason(error)
                unavailable = isinstance(error, DatabaseUnavailable)
                if not unavailable and (lost or not is_connection_lost(error)):
                    stack = traceback.format_tb(error.__traceback__)
                    logger.error(f"{subject} failed, to be retried", error=name, reason=reason, stack=stack)
                    return False
                lost = lost or not unavailable
                # The next attempt takes at least as long as this one. What goes beyond the time that is left
                # ends in the timeout, and fails the whole batch.
                left = self._milliseconds_left()
                needed = self._reserve + begun - left
                pause = min(next(pauses), max(0, left - needed) / 1000)
                logger.warning("Database unavailable, waiting", error=name, reason=reason, seconds=round(pause, 1))
                time.sleep(pause)
            else:
                return True
        logger.warning(f"{subject} given back, to be retried: too little time left")
        return False


def _count(recorded: Recorded, *, milliseconds: float) -> None:
    metrics.add_metric(MetricName.REPORTS, MetricUnit.Count, recorded.upload.kind == "junit")
    metrics.add_metric(MetricName.CASES, MetricUnit.Count, recorded.run.totals["tests"] if recorded.run else 0)
    metrics.add_metric(MetricName.FAULTS, MetricUnit.Count, recorded.fault is not None)
    metrics.add_metric(MetricName.DURATION, MetricUnit.Milliseconds, milliseconds)


def _reason(error: Exception) -> str | None:
    """What may be logged of an error: the message of any other might quote an upload's content."""
    if isinstance(error, psycopg.Error) and error.sqlstate:
        return error.sqlstate
    if isinstance(error, TransientFault | psycopg.OperationalError | BotoCoreError | ClientError):
        return str(error)
    return None
