"""When a metric is worth a message to people. What is watched declares it; a stack makes CloudWatch's alarms of it."""

from dataclasses import dataclass
from typing import Literal

from constructs.metrics import Metric

Comparison = Literal["GreaterThanOrEqualToThreshold", "LessThanThreshold"]

# What a period without data means. A count that AWS publishes only when it is not zero is `notBreaching` without; a
# measurement that pauses while nothing happens says nothing new, `ignore`; and where silence itself is the fault, it is
# `breaching` (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html).
MissingData = Literal["breaching", "ignore", "notBreaching"]

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
_LONGEST = DAY
_LONGEST_OF_LONG_PERIODS = 7 * DAY


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """Raised while `datapoints` of the last `evaluation_periods` are past the threshold.

    `name`: in words with hyphens; docs/runbook.md has an entry under it. `meaning`: one sentence, for whoever gets the
    mail. `unit`: what the threshold counts, in words. `period`: seconds.
    Raises ValueError for what CloudWatch would refuse.
    """

    name: str
    meaning: str
    metric: Metric
    threshold: float
    unit: str
    missing_data: MissingData
    comparison: Comparison = "GreaterThanOrEqualToThreshold"
    period: int = 300
    evaluation_periods: int = 1
    datapoints: int = 1

    def __post_init__(self) -> None:
        longest = _LONGEST if self.period < HOUR else _LONGEST_OF_LONG_PERIODS
        if self.period < MINUTE or self.period % MINUTE:
            raise ValueError(f"period {self.period} of {self.name} is not valid: give a multiple of 60 seconds")
        if not 1 <= self.evaluation_periods <= longest // self.period:
            raise ValueError(
                f"evaluation_periods {self.evaluation_periods} of {self.name} is not valid: CloudWatch looks back for a"
                " day, or for seven with periods of an hour and more"
            )
        if not 1 <= self.datapoints <= self.evaluation_periods:
            raise ValueError(
                f"datapoints {self.datapoints} of {self.name} is not valid: give 1 to {self.evaluation_periods}"
            )

    @property
    def description(self) -> str:
        """What a mail says beside the name."""
        sign = "<" if self.comparison == "LessThanThreshold" else ">="
        return f"{self.meaning} Raised at {sign} {self.threshold:,.10g} {self.unit}. What to do: docs/runbook.md"
