"""The entry point: SQS messages with S3 notifications in, the messages to be retried out."""

from __future__ import annotations

import functools
import os
import traceback
from typing import Any

import botocore.session
import psycopg
from aws_lambda_powertools import Logger
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

logger = Logger(service="tap")

# Seconds. The queue retries for minutes: giving a message back is better than waiting long for an answer.
_CLIENT_CONFIG = Config(connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], _context: object) -> dict[str, list[dict[str, str]]]:
    """Answers with the messages to be retried; all others of the batch are done and will be deleted."""
    processor = _processor()
    failed = [message["messageId"] for message in event["Records"] if not _process_message(processor, message)]
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
    return make_processor(Environment.read(os.environ))


def _process_message(processor: Processor, message: dict[str, Any]) -> bool:
    with logger.append_context_keys(message_id=message["messageId"]):
        try:
            uploads = read_uploads(message["body"])
        except InvalidMessage as error:
            logger.error(str(error))
            return False
        # All of them first, so that one upload's failure does not hold up the next.
        outcomes = [_process_upload(processor, upload) for upload in uploads]
        return all(outcomes)


def _process_upload(processor: Processor, upload: Upload) -> bool:
    identity = {"bucket": upload.bucket, "key": upload.key, "version_id": upload.version_id}
    with logger.append_context_keys(event_id=str(upload.event_id), **identity):
        try:
            detail = processor.process(upload)
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
            logger.info("Upload processed", status=detail["status"], error=detail.get("error"))
        return True


def _reason(error: Exception) -> str | None:
    """What may be logged of an error: the message of any other might quote an upload's content."""
    if isinstance(error, psycopg.Error) and error.sqlstate:
        return error.sqlstate
    if isinstance(error, TransientFault | psycopg.OperationalError | BotoCoreError | ClientError):
        return str(error)
    return None
