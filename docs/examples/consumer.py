"""Takes TAP's events from a queue and acts on each once, however often it comes."""

from __future__ import annotations

import argparse
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import boto3

Act = Callable[[sqlite3.Connection, dict[str, Any]], None]


def open_database(path: str) -> sqlite3.Connection:
    """Where it stands which events were done: beside what they did, so that both are committed as one."""
    database = sqlite3.connect(path)
    with database:
        database.execute(
            "create table if not exists done (event_id text primary key, at text default current_timestamp)"
        )
        database.execute("create table if not exists broken (test text primary key, page_url text not null)")
    return database


def consume(sqs: Any, queue_url: str, database: sqlite3.Connection, act: Act, *, wait: int = 20) -> int:
    """Receives messages once, for at most `wait` seconds. Returns how many there were.

    A message is deleted only once its event is done: if the program dies before, it comes again.
    """
    messages = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=wait).get("Messages", [])
    for message in messages:
        event = json.loads(message["Body"])
        with database:
            done = database.execute(
                "insert into done (event_id) values (?) on conflict do nothing", [event["detail"]["event_id"]]
            )
            if done.rowcount:
                act(database, event)
        sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
    return len(messages)


def note_failures(database: sqlite3.Connection, event: dict[str, Any]) -> None:
    """Keeps a list of what is broken. Of an event of a version that is not known, nothing can be said."""
    detail = event["detail"]
    if event["detail-type"] != "Test Failures Changed" or detail["schema_version"] != "1":
        return
    print(detail["message"]["title"], detail["page_url"], sep="\n")
    for test in detail["newly_failing"].get("tests", []):
        database.execute("insert or replace into broken values (?, ?)", [test["id"], detail["page_url"]])
    for test in detail["fixed"].get("tests", []):
        database.execute("delete from broken where test = ?", [test["id"]])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queue-url", required=True)
    parser.add_argument("--database", default="seen.sqlite")
    arguments = parser.parse_args()
    sqs = boto3.client("sqs")
    with closing(open_database(arguments.database)) as database:
        while True:
            consume(sqs, arguments.queue_url, database, note_failures)


if __name__ == "__main__":
    main()
