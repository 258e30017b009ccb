"""The demo: the platform is deployed, one test report goes through it, and everything is shown and removed."""

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from psycopg.rows import dict_row
from rich.console import Console

from local.platform import Platform
from local.progress import step

_REPORT = Path(__file__).with_name("sample-report.xml")
_KEY = "shop/checkout/report.xml"
_PATIENCE = 60  # seconds until the report must have gone through; it takes a few

Found = TypeVar("Found")


class NotProcessedError(Exception):
    """The report did not arrive where it should."""


def run_demo(console: Console) -> None:
    """Run all of it. If something fails, the logs stay where they are and the error names one."""
    with _working_directory() as directory, Platform("dev", directory, partial(step, console)) as platform:
        with step(console, f"Upload {_KEY} and wait for its event"):
            platform.emulator.client("s3").upload_file(str(_REPORT), platform.outputs["bucket_name"], _KEY)
            event = _wait_for(partial(_event, platform), directory / "function.log")
            log_line = _wait_for(partial(_monitoring_line, platform), directory / "function.log")
        _show(console, "The row in PostgreSQL (table upload)", _row(platform))
        _show(console, "The event in the consumer queue", event)
        console.print(f"\n[bold]The line in the log group {platform.outputs['monitoring_log_group_name']}")
        console.print(log_line, markup=False, soft_wrap=True)
        _show(console, "The outputs of the platform", platform.outputs)
    console.print("Done: nothing is left running.")


@contextmanager
def _working_directory() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="tap-"))
    try:
        yield directory
    except Exception:
        for path in directory.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
        raise
    except BaseException:
        shutil.rmtree(directory)
        raise
    shutil.rmtree(directory)


def _wait_for(look: Callable[[], Found | None], log: Path) -> Found:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.2)
    raise NotProcessedError(f"the report was not processed within {_PATIENCE} seconds: see {log}")


def _event(platform: Platform) -> Mapping[str, Any] | None:
    sqs, queue = platform.emulator.client("sqs"), platform.outputs["events_queue_url"]
    for message in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages", []):
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return dict(json.loads(message["Body"]))
    return None


def _monitoring_line(platform: Platform) -> str | None:
    answer = platform.emulator.client("logs").filter_log_events(
        logGroupName=platform.outputs["monitoring_log_group_name"]
    )
    return next((event["message"] for event in answer["events"]), None)


def _row(platform: Platform) -> Mapping[str, Any]:
    with platform.connect() as connection, connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute("select * from upload").fetchone()
    if row is None:
        raise NotProcessedError("the event arrived, but there is no row in the table upload")
    return row


def _show(console: Console, title: str, values: Mapping[str, Any]) -> None:
    console.print(f"\n[bold]{title}")
    width = max(map(len, values))
    for name, value in values.items():
        text = json.dumps(value) if isinstance(value, dict) else value
        # Never folded: these are for copying.
        console.print(f"  {name:<{width}}  {text}", markup=False, soft_wrap=True)
