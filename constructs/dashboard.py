"""A CloudWatch dashboard: the state of alarms, and graphs of metrics in sections."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cdktf_cdktf_provider_aws.cloudwatch_dashboard import CloudwatchDashboard

from constructs import Construct
from constructs.metrics import Metric

# CloudWatch's grid, and what stands on it: three graphs beside each other.
_COLUMNS = 24
_GRAPHS = 3
_GRAPH_HEIGHT = 6
_HEADING_HEIGHT = 1
_ALARMS_HEIGHT = 5

_PERIOD = 300  # seconds


@dataclass(frozen=True)
class Line:
    """A metric, under the name that the legend gives to it."""

    label: str
    metric: Metric


@dataclass(frozen=True)
class Graph:
    """Lines over time. `title` names the unit where it is not a count."""

    title: str
    lines: Sequence[Line]


@dataclass(frozen=True)
class Section:
    """A question, and the graphs that answer it."""

    heading: str
    graphs: Sequence[Graph]


class Dashboard(Construct):
    """The state of the alarms (ARNs, at most a hundred) above, and the sections below it, one after the other.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
    """

    dashboard: CloudwatchDashboard

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        region: str,
        alarms: Sequence[str],
        sections: Sequence[Section],
    ) -> None:
        super().__init__(scope, id)
        self._region = region
        widgets = [
            _widget("alarm", (0, 0, _COLUMNS, _ALARMS_HEIGHT), {"title": "Alarms", "alarms": list(alarms)}),
        ]
        top = _ALARMS_HEIGHT
        for section in sections:
            widgets.append(
                _widget("text", (0, top, _COLUMNS, _HEADING_HEIGHT), {"markdown": f"## {section.heading}"}),
            )
            top += _HEADING_HEIGHT
            width = _COLUMNS // _GRAPHS
            for number, graph in enumerate(section.graphs):
                row, column = divmod(number, _GRAPHS)
                place = (column * width, top + row * _GRAPH_HEIGHT, width, _GRAPH_HEIGHT)
                widgets.append(_widget("metric", place, self._graph(graph)))
            top += _GRAPH_HEIGHT * -(-len(section.graphs) // _GRAPHS)
        body = {"start": "-P1D", "widgets": widgets}
        self.dashboard = CloudwatchDashboard(self, "Dashboard", dashboard_name=name, dashboard_body=json.dumps(body))

    def _graph(self, graph: Graph) -> dict[str, Any]:
        return {
            "title": graph.title,
            "region": self._region,
            "view": "timeSeries",
            "period": _PERIOD,
            "yAxis": {"left": {"min": 0}},
            "metrics": [_metric(line) for line in graph.lines],
        }


def _widget(kind: str, place: tuple[int, int, int, int], properties: dict[str, Any]) -> dict[str, Any]:
    x, y, width, height = place
    return {"type": kind, "x": x, "y": y, "width": width, "height": height, "properties": properties}


def _metric(line: Line) -> list[Any]:
    metric = line.metric
    dimensions = [part for dimension in metric.dimensions.items() for part in dimension]
    return [metric.namespace, metric.name, *dimensions, {"stat": metric.statistic, "label": line.label}]
