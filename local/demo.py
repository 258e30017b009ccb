"""The demo: the platform is deployed, one test report goes through it, and everything is shown and removed."""

import html
import json
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from rich.console import Console

from handler.addresses import run_address
from local.access import Access
from local.layout import plain
from local.platform import Platform
from local.progress import step
from local.tables import show_run
from local.upload import upload, wait_for
from local.working_directory import working_directory

_REPORT = Path(__file__).with_name("sample-report.xml")
_METADATA = {"branch": "main", "commit": "9d2c41ab", "build-url": "https://ci.example/shop/builds/417"}
_SLOWEST = 5


def run_demo(console: Console) -> None:
    """Run all of it. If something fails, the logs stay where they are and the error names one."""
    with working_directory() as directory, Platform("dev", directory, partial(step, console)) as platform:
        access = platform.access
        with step(console, f"Upload {_REPORT.name} and wait for its event"):
            row = upload(access, _REPORT, project="shop", metadata=_METADATA)
            event = wait_for(partial(_event, access), access.function_log)
            log_line = wait_for(partial(_monitoring_line, access), access.function_log)
        with access.connect() as connection:
            show_run(console, connection, row["event_id"], limit=_SLOWEST)
        _show(console, "The row in PostgreSQL (table upload)", row)
        _show(console, "The event in the consumer queue", event)
        console.print(f"\n[bold]The line in the log group {access.outputs['monitoring_log_group_name']}")
        console.print(log_line, markup=False, soft_wrap=True)
        _show(console, "The outputs of the platform", access.outputs)
        _show_page(console, access, row["event_id"])
    console.print("Done: nothing is left running.")


def _show_page(console: Console, access: Access, run_id: UUID) -> None:
    """What the run's page begins with, fetched as a browser gets it from `make local` and `make open`."""
    answer = access.results_function().ask(f"/runs/{run_id}")
    title = re.search("<title>(.*?)</title>", answer.body.decode(), re.DOTALL)
    console.print("\n[bold]The run's page, by a signed request to the function's URL")
    for line in (
        f"  {answer.status} {plain(html.unescape(title[1])) if title else ''}",
        f"  {run_address(access.results_address, run_id)}",
        "  It goes with this demo. To look around in the pages: make local",
    ):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _event(access: Access) -> Mapping[str, Any] | None:
    sqs, queue = access.aws.client("sqs"), access.outputs["events_queue_url"]
    for message in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages", []):
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return dict(json.loads(message["Body"]))
    return None


def _monitoring_line(access: Access) -> str | None:
    answer = access.aws.client("logs").filter_log_events(logGroupName=access.outputs["monitoring_log_group_name"])
    return next((event["message"] for event in answer["events"]), None)


def _show(console: Console, title: str, values: Mapping[str, Any]) -> None:
    console.print(f"\n[bold]{title}")
    width = max(map(len, values))
    for name, value in values.items():
        if value is None:
            continue
        text = json.dumps(value) if isinstance(value, dict) else value
        # Never folded: these are for copying.
        console.print(f"  {name:<{width}}  {text}", markup=False, soft_wrap=True)
