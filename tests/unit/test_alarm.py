"""An alarm that CloudWatch would refuse, or never evaluate, is refused at synth."""

import re
from dataclasses import replace

import pytest

from constructs.alarm import DAY, HOUR, Alarm, Comparison
from constructs.instance_class import InstanceClass
from constructs.metrics import Metric

ALARM = Alarm(
    name="house-fire",
    meaning="The house is on fire.",
    metric=Metric(namespace="Home", name="Smoke", dimensions={"Room": "kitchen"}, statistic="Maximum"),
    threshold=1_500,
    unit="particles",
    missing_data="notBreaching",
)


@pytest.mark.parametrize(
    ("period", "longest"), [(60, 1440), (300, 288), (HOUR - 60, 24), (HOUR, 168), (6 * HOUR, 28), (DAY, 7)]
)
def test_looks_back_as_far_as_cloudwatch_does(period: int, longest: int) -> None:
    """A day, and seven with periods of an hour and more."""
    assert replace(ALARM, period=period, evaluation_periods=longest).evaluation_periods == longest
    with pytest.raises(ValueError, match=f"^evaluation_periods {longest + 1} of house-fire is not valid: CloudWatch"):
        replace(ALARM, period=period, evaluation_periods=longest + 1)


def test_looks_at_one_period_at_least() -> None:
    """With none, there would be nothing to compare."""
    with pytest.raises(ValueError, match=r"^evaluation_periods 0 of house-fire is not valid: CloudWatch looks back"):
        replace(ALARM, evaluation_periods=0)


@pytest.mark.parametrize("period", [0, 30, 90, 301, -60])
def test_period_is_of_whole_minutes(period: int) -> None:
    """Shorter ones are for metrics of high resolution, of which there are none."""
    with pytest.raises(
        ValueError, match=f"^period {period} of house-fire is not valid: give a multiple of 60 seconds$"
    ):
        replace(ALARM, period=period)


@pytest.mark.parametrize("datapoints", [0, 4])
def test_datapoints_are_among_the_periods(datapoints: int) -> None:
    """With more, it would never be raised."""
    with pytest.raises(ValueError, match=f"^datapoints {datapoints} of house-fire is not valid: give 1 to 3$"):
        replace(ALARM, evaluation_periods=3, datapoints=datapoints)


@pytest.mark.parametrize(
    ("comparison", "threshold", "raised"),
    [
        ("GreaterThanOrEqualToThreshold", 1_500, ">= 1,500 particles"),
        ("LessThanThreshold", 0.05, "< 0.05 particles"),
        ("LessThanThreshold", 5 * 2.0**30, "< 5,368,709,120 particles"),
    ],
)
def test_description(comparison: Comparison, threshold: float, raised: str) -> None:
    """What it means, when it is raised, and where to read on."""
    alarm = replace(ALARM, comparison=comparison, threshold=threshold)
    assert alarm.description == f"The house is on fire. Raised at {raised}. What to do: docs/runbook.md"


@pytest.mark.parametrize(
    ("name", "connections"),
    [
        ("db.t4g.micro", 112),
        ("db.t3.small", 225),
        ("db.t4g.medium", 450),
        ("db.t4g.large", 901),
        ("db.m8g.large", 901),
        ("db.m6i.xlarge", 1802),
        ("db.c6gd.2xlarge", 1802),
        ("db.r7g.large", 1802),
        ("db.r6id.24xlarge", 5000),
        ("db.x2g.large", 3379),
    ],
)
def test_connections_of_a_class(name: str, connections: int) -> None:
    """Its memory by 9,531,392 bytes, and 5,000 at most."""
    assert InstanceClass(name).max_connections == connections


def test_classes_with_credits() -> None:
    """Their letter is t."""
    names = ("db.t4g.micro", "db.t3.2xlarge", "db.m8g.large", "db.r7g.large")
    assert [InstanceClass(name).is_burstable for name in names] == [True, True, False, False]


@pytest.mark.parametrize("name", ["t4g.micro", "db.t4g", "db.t4g.tiny", "db.q9.large", "db.m8g.large ", ""])
def test_no_class(name: str) -> None:
    """RDS would refuse it after minutes."""
    sentence = f"database_instance_class {name!r} is not valid: give a class of RDS (db.t4g.micro)"
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        InstanceClass(name)
