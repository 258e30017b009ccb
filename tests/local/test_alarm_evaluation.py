"""Alarms are judged as CloudWatch judges them: by the examples of its own documentation."""

from dataclasses import replace

import pytest

from local.alarm_evaluation import Condition, Sample, State, judge, statistic

THREE_OF_THREE = Condition(
    comparison_operator="GreaterThanThreshold",
    threshold=0.5,
    evaluation_periods=3,
    datapoints_to_alarm=3,
    treat_missing_data="missing",
)
TWO_OF_THREE = replace(THREE_OF_THREE, datapoints_to_alarm=2)
POINTS = {"0": 0.0, "X": 1.0, "-": None}
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")


def judgements(points: str, condition: Condition) -> tuple[State | None, ...]:
    """For each way to treat missing data; None: retains its state."""
    values = [POINTS[point] for point in points.split()]
    return tuple(judge(values, replace(condition, treat_missing_data=treatment)) for treatment in TREATMENTS)


@pytest.mark.parametrize(
    ("condition", "points", "expected"),
    [
        (THREE_OF_THREE, "0 - X - X", ("OK", "OK", "OK", "OK")),
        (THREE_OF_THREE, "0 - - - -", ("OK", "OK", "OK", "OK")),
        (THREE_OF_THREE, "- - - - -", ("INSUFFICIENT_DATA", None, "ALARM", "OK")),
        (THREE_OF_THREE, "0 X X - X", ("ALARM", "ALARM", "ALARM", "ALARM")),
        (THREE_OF_THREE, "- - X - -", ("ALARM", None, "ALARM", "OK")),
        (TWO_OF_THREE, "0 - X - X", ("ALARM", "ALARM", "ALARM", "ALARM")),
        (TWO_OF_THREE, "0 0 X 0 X", ("ALARM", "ALARM", "ALARM", "ALARM")),
        (TWO_OF_THREE, "0 - X - -", ("OK", "OK", "ALARM", "OK")),
        (TWO_OF_THREE, "- - - - 0", ("OK", "OK", "ALARM", "OK")),
        (TWO_OF_THREE, "- - - X -", ("ALARM", None, "ALARM", "OK")),
    ],
)
def test_tables_of_the_documentation(condition: Condition, points: str, expected: tuple[State | None, ...]) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html"""
    assert judgements(points, condition) == expected


@pytest.mark.parametrize("points", ["- - - - X", "- - - X -"])
def test_one_breach_after_silence_is_premature(points: str) -> None:
    """The same page: not an alarm yet."""
    assert judgements(points, THREE_OF_THREE)[:2] == (None, None)


def test_only_the_latest_points_count_if_there_are_enough() -> None:
    assert judgements("X X 0 0 0", TWO_OF_THREE) == ("OK",) * 4
    assert judgements("0 0 X X X", THREE_OF_THREE) == ("ALARM",) * 4


def test_more_points_are_looked_at_than_there_are_periods() -> None:
    assert THREE_OF_THREE.evaluation_range == len(["0", "-", "X", "-", "X"])


@pytest.mark.parametrize(
    ("comparison_operator", "breaching"),
    [
        ("GreaterThanOrEqualToThreshold", [5, 6]),
        ("GreaterThanThreshold", [6]),
        ("LessThanOrEqualToThreshold", [4, 5]),
        ("LessThanThreshold", [4]),
    ],
)
def test_comparison_with_the_threshold(comparison_operator: str, breaching: list[float]) -> None:
    condition = replace(THREE_OF_THREE, comparison_operator=comparison_operator, threshold=5)
    assert [point for point in (4, 5, 6) if condition.is_breached_by(point)] == breaching


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Sum", 110), ("SampleCount", 5), ("Average", 22), ("Minimum", 1), ("Maximum", 100), ("p50", 3), ("p99", 100)],
)
def test_statistic_of_single_values(name: str, expected: float) -> None:
    assert statistic(name, [Sample.of(value) for value in (3, 1, 100, 2, 4)]) == expected


@pytest.mark.parametrize(
    ("name", "expected"), [("Sum", 27), ("SampleCount", 4), ("Average", 6.75), ("Minimum", 2), ("Maximum", 9)]
)
def test_statistic_of_a_summary_and_a_value(name: str, expected: float) -> None:
    assert statistic(name, [Sample(total=18, count=3, least=2, most=9), Sample.of(9)]) == expected


def test_nothing_measured_has_no_statistic() -> None:
    """And is a missing data point, not a zero."""
    assert [statistic(name, []) for name in ("Sum", "SampleCount", "p99")] == [None, None, None]
