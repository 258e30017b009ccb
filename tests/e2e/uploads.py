"""Uploads to the deployed platform, and what becomes of them."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from psycopg.rows import dict_row

from local.platform import Platform

PATIENCE = 120  # seconds, so that a test that waits in vain ends

Found = TypeVar("Found")


def wait_for(look: Callable[[], Found | None]) -> Found:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.2)
    pytest.fail(f"not seen within {PATIENCE} seconds")


def upload(platform: Platform, key: str, body: bytes) -> None:
    platform.emulator.client("s3").put_object(Bucket=platform.access.outputs["bucket_name"], Key=key, Body=body)


def announce_what_is_gone(platform: Platform, key: str, queue: str = "ingest_queue_url") -> None:
    """Tell the function of an object that was deleted for good before its turn came. `queue`: an output's name."""
    bucket = platform.access.outputs["bucket_name"]
    object_ = {"key": key, "versionId": "gone", "eTag": "0123", "size": 1, "sequencer": "00"}
    record = {
        "eventName": "ObjectCreated:Put",
        "eventTime": (datetime.now(UTC) - timedelta(hours=1)).isoformat(timespec="milliseconds"),
        "s3": {"bucket": {"name": bucket}, "object": object_},
    }
    platform.emulator.client("sqs").send_message(
        QueueUrl=platform.access.outputs[queue], MessageBody=json.dumps({"Records": [record]})
    )


def event_of(platform: Platform, key: str) -> dict[str, Any]:
    """The detail of the event about `key`, from the consumer queue; events about other keys are passed over."""
    sqs, queue = platform.emulator.client("sqs"), platform.access.outputs["events_queue_url"]

    def receive() -> dict[str, Any] | None:
        for message in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages", []):
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            detail: dict[str, Any] = json.loads(message["Body"])["detail"]
            if detail["key"] == key:
                return detail
        return None

    return wait_for(receive)


def row_of(platform: Platform, key: str) -> dict[str, Any] | None:
    with platform.access.connect() as connection, connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute("select * from upload where key = %s", [key]).fetchone()
