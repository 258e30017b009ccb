"""What functions print, in their log groups, and the metrics that CloudWatch Logs finds in it."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.logs.models import logs_backends

from local.emulated_metrics import Datum, put
from local.emulator import REGION
from local.worker import Invocation


def deliver(invocation: Invocation) -> None:
    """Write what an invocation printed into the function's log group, if there is one.

    A line with metrics in the embedded metric format becomes data of these:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    backend = logs_backends[DEFAULT_ACCOUNT_ID][REGION]
    group = f"/aws/lambda/{invocation.function}"
    if group not in backend.groups:
        return
    lines = invocation.printed.splitlines()
    now = int(datetime.now(UTC).timestamp() * 1000)
    backend.ensure_log_stream(group, invocation.log_stream)
    backend.put_log_events(group, invocation.log_stream, [{"timestamp": now, "message": line} for line in lines])
    for line in lines:
        for namespace, dimensions, data in _embedded_metrics(line):
            put(namespace, dimensions, *data)


def _embedded_metrics(line: str) -> Iterator[tuple[str, Mapping[str, str], list[Datum]]]:
    """Namespace, dimensions and data of each set of metrics in the line."""
    try:
        document = json.loads(line)
        directives = document["_aws"]["CloudWatchMetrics"]
    except (ValueError, TypeError, KeyError):
        return
    for directive in directives:
        data = [
            (metric["Name"], value, metric.get("Unit", "None"))
            for metric in directive["Metrics"]
            for value in _list(document[metric["Name"]])
        ]
        for names in directive["Dimensions"]:
            yield directive["Namespace"], {name: document[name] for name in names}, data


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
