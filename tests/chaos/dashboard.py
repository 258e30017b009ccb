"""A picture of the dashboard of a platform that runs, drawn from its JSON with what was measured."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.platform import Platform
from tests.browser.helpers.chromium import launched

_PAGE = Path(__file__).with_name("dashboard.html")
# Draws lines over time, and is one file without dependencies.
_UPLOT = Path(__file__).parents[2] / "node_modules/uplot/dist"
_WIDTH = 1440  # pixels
_MINUTE = 60  # seconds; the dashboard itself shows a day, in longer periods


def take(platform: Platform, picture: Path, *, since: datetime) -> None:
    """Write it as PNG. What is shown begins at `since`, and ends now."""
    cloudwatch = platform.emulator.client("cloudwatch")
    name = platform.access.outputs["dashboard_name"]
    body = json.loads(cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"])
    since = since.replace(second=0, microsecond=0)
    until = datetime.now(UTC).replace(second=0, microsecond=0)
    widgets = [_with_data(cloudwatch, widget, since, until) for widget in body["widgets"]]
    title = f"{name}, {since:%Y-%m-%d %H:%M} to {until:%H:%M} UTC, a point for each minute"
    with launched() as browser:
        # uPlot asks for the language, and Chromium names none of a machine without a locale.
        page = browser.new_page(viewport={"width": _WIDTH, "height": 900}, locale="en-US")
        page.set_content(_PAGE.read_text(encoding="utf-8"))
        page.add_style_tag(path=_UPLOT / "uPlot.min.css")
        page.add_script_tag(path=_UPLOT / "uPlot.iife.min.js")
        page.evaluate("given => show(...given)", [title, widgets, since.timestamp(), until.timestamp()])
        page.screenshot(path=picture, full_page=True)


def _with_data(cloudwatch: Any, widget: dict[str, Any], since: datetime, until: datetime) -> dict[str, Any]:
    properties = widget["properties"]
    match widget["type"]:
        case "alarm":
            names = [arn.rpartition(":")[2] for arn in properties["alarms"]]
            pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmNames=names)
            states = {alarm["AlarmName"]: alarm["StateValue"] for page in pages for alarm in page["MetricAlarms"]}
            return {**widget, "alarms": [{"name": name, "state": states[name]} for name in names]}
        case "metric":
            queries = [_query(nth, metric) for nth, metric in enumerate(properties["metrics"])]
            answer = cloudwatch.get_metric_data(
                MetricDataQueries=queries, StartTime=since, EndTime=until, ScanBy="TimestampAscending"
            )
            lines = [
                {
                    "label": result["Label"],
                    "times": [time.timestamp() for time in result["Timestamps"]],
                    "values": result["Values"],
                }
                for result in answer["MetricDataResults"]
            ]
            return {**widget, "lines": lines}
    return widget


def _query(nth: int, metric: list[Any]) -> dict[str, Any]:
    """Of a metric as a widget names it: namespace, name, dimensions, and how it is shown."""
    namespace, name, *dimensions, shown = metric
    pairs = zip(dimensions[::2], dimensions[1::2], strict=True)
    wanted = {
        "Namespace": namespace,
        "MetricName": name,
        "Dimensions": [{"Name": name, "Value": value} for name, value in pairs],
    }
    stat = {"Metric": wanted, "Period": _MINUTE, "Stat": shown["stat"]}
    return {"Id": f"line{nth}", "Label": shown["label"], "MetricStat": stat}
