"""How CloudWatch judges an alarm: the data points of its metric in, its state out.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]

# CloudWatch looks at more data points than an alarm's evaluation periods, in case that some are missing. How many more
# it does not say; in its examples it is two.
_MORE = 2
_COMPARISONS = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanOrEqualToThreshold": operator.le,
    "LessThanThreshold": operator.lt,
}


@dataclass(frozen=True, kw_only=True)
class Condition:
    """When an alarm is raised: "M out of N", where M is `datapoints_to_alarm`."""

    comparison_operator: str
    threshold: float
    evaluation_periods: int
    datapoints_to_alarm: int
    treat_missing_data: str

    @property
    def evaluation_range(self) -> int:
        """How many data points are looked at."""
        return self.evaluation_periods + _MORE

    def is_breached_by(self, point: float) -> bool:
        return bool(_COMPARISONS[self.comparison_operator](point, self.threshold))


def judge(points: Sequence[float | None], condition: Condition) -> State | None:
    """The state that follows from the data points of the evaluation range; None if the alarm stays in the one it has.

    The latest point comes last, and None is a missing one.
    """
    latest = [it for it in points if it is not None][-condition.evaluation_periods :]
    breaching = sum(map(condition.is_breached_by, latest))
    missing = condition.evaluation_periods - len(latest)
    if missing and condition.treat_missing_data == "breaching":
        breaching += missing
    if breaching >= condition.datapoints_to_alarm:
        return "ALARM"
    if missing and condition.treat_missing_data in {"missing", "ignore"}:
        return _judge_despite_gaps(points, condition)
    return "OK"


def _judge_despite_gaps(points: Sequence[float | None], condition: Condition) -> State | None:
    """Of points that are too few, and too few of them breaching: "Avoiding premature transitions to alarm state"."""
    ignores = condition.treat_missing_data == "ignore"
    present = [it for it in points if it is not None]
    if not present:
        return None if ignores else "INSUFFICIENT_DATA"
    if not all(map(condition.is_breached_by, present)):
        return "OK"
    oldest = next(age for age, point in zip(range(len(points), 0, -1), points, strict=True) if point is not None)
    # Of a younger breach than that, CloudWatch says only that it raises no alarm.
    return "ALARM" if oldest >= condition.datapoints_to_alarm and not ignores else None


@dataclass(frozen=True)
class Sample:
    """What was measured once, or the summary of several measurements."""

    total: float
    count: float
    least: float
    most: float

    @classmethod
    def of(cls, value: float) -> "Sample":
        return cls(value, 1, value, value)


def statistic(name: str, samples: Sequence[Sample]) -> float | None:
    """A statistic of one period, percentiles like `p99` among them; None if nothing was measured.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
    """
    if not samples:
        return None
    total, count = sum(it.total for it in samples), sum(it.count for it in samples)
    simple = {
        "Sum": total,
        "SampleCount": count,
        "Average": total / count,
        "Minimum": min(it.least for it in samples),
        "Maximum": max(it.most for it in samples),
    }
    if name in simple:
        return simple[name]
    values = sorted(it.total / it.count for it in samples)
    return values[max(0, math.ceil(float(name.removeprefix("p")) / 100 * len(values)) - 1)]
