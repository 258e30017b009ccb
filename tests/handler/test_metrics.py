"""The function's metrics, as CloudWatch reads them from its output."""

import json
import time
from typing import Any

import pytest

from tests.handler.helpers.surroundings import Aws, Function, LambdaContext, Postgres, message, report


class Metrics:
    """What the function wrote in CloudWatch's embedded metric format."""

    def __init__(self, captured: pytest.CaptureFixture[str]) -> None:
        self._captured = captured

    def lines(self) -> list[dict[str, Any]]:
        """Since the last time."""
        return [json.loads(line) for line in self._captured.readouterr().out.splitlines()]


@pytest.fixture
def metrics(capsys: pytest.CaptureFixture[str], function: Function) -> Metrics:
    # After the function, whose log goes elsewhere.
    return Metrics(capsys)


def test_they_are_written_in_the_embedded_metric_format(aws: Aws, function: Function, metrics: Metrics) -> None:
    """CloudWatch ignores a line that is not.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    before = time.time() * 1000
    function.invoke(message(aws.upload()))
    [line] = metrics.lines()
    [duration] = line.pop("Duration")
    assert 0 < duration < 60_000
    timestamp = line["_aws"].pop("Timestamp")
    assert isinstance(timestamp, int)
    assert before - 1 <= timestamp <= time.time() * 1000
    assert line == {
        "_aws": {
            "CloudWatchMetrics": [
                {
                    "Namespace": "TAP",
                    "Dimensions": [["environment", "service"]],
                    "Metrics": [
                        {"Name": "Reports", "Unit": "Count"},
                        {"Name": "Cases", "Unit": "Count"},
                        {"Name": "Faults", "Unit": "Count"},
                        {"Name": "Duration", "Unit": "Milliseconds"},
                    ],
                }
            ]
        },
        "environment": "test",
        "service": "tap",
        "Reports": [1.0],
        "Cases": [1.0],
        "Faults": [0.0],
    }


def test_a_batch_is_counted_in_one_line(aws: Aws, function: Function, metrics: Metrics) -> None:
    """What comes twice counts once, and what fails does not count before it is done."""
    repeated = aws.upload(content=report(cases=3))
    lost = aws.upload()
    lost["s3"]["bucket"]["name"] = "no-such-bucket"
    batch = [
        message(repeated),
        message(aws.upload("shop/screenshot.png"), aws.upload(content=report(cases=2))),
        message(lost),
        message(aws.upload(content=b"plain text")),
        message(body="?"),
        message(repeated),
    ]
    function.invoke(*batch)
    [line] = metrics.lines()
    totals = {name: sum(line[name]) for name in ("Reports", "Cases", "Faults", "InvalidMessages", "GivenBackMessages")}
    assert totals == {"Reports": 3, "Cases": 5, "Faults": 1, "InvalidMessages": 1, "GivenBackMessages": 1}
    assert len(line["Duration"]) == 4


def test_a_test_with_two_attempts_is_one_case(aws: Aws, function: Function, metrics: Metrics) -> None:
    """As in the totals of its run."""
    case = b'<testcase name="a"/>'
    function.invoke(message(aws.upload(content=b"<testsuite name='pytest'>" + case + case + b"</testsuite>")))
    [line] = metrics.lines()
    assert line["Cases"] == [1.0]


def test_each_invocation_counts_for_itself(aws: Aws, function: Function, metrics: Metrics) -> None:
    """Nothing is carried over from the one before, and the dimensions stay."""
    function.invoke(message(aws.upload(content=report(cases=3))))
    function.invoke(message(aws.upload(content=report(cases=2))))
    lines = metrics.lines()
    assert [line["Cases"] for line in lines] == [[3.0], [2.0]]
    assert [line["environment"] for line in lines] == ["test", "test"]


def test_an_invocation_that_processes_nothing_writes_none(aws: Aws, function: Function, metrics: Metrics) -> None:
    """Else the averages would be too low."""
    record = aws.upload()
    function.invoke(message(record))
    metrics.lines()
    function.invoke(message(record))
    function.invoke(message(body='{"Event": "s3:TestEvent"}'))
    function.invoke()
    assert metrics.lines() == []


def test_what_is_given_back_is_counted_and_nothing_else(aws: Aws, function: Function, metrics: Metrics) -> None:
    """To Lambda the invocation succeeds: an alarm has nothing but this to go by."""
    answer = function.answer(
        message(aws.upload()), message(aws.upload()), context=LambdaContext(milliseconds_left=iter([60_000, 0, 0]))
    )
    assert len(answer["batchItemFailures"]) == 2
    [line] = metrics.lines()
    assert line["_aws"]["CloudWatchMetrics"] == [
        {
            "Namespace": "TAP",
            "Dimensions": [["environment", "service"]],
            "Metrics": [{"Name": "GivenBackMessages", "Unit": "Count"}],
        }
    ]
    assert (line["GivenBackMessages"], line["environment"], line["service"]) == ([2.0], "test", "tap")


def test_an_upload_counts_when_its_event_was_sent(
    aws: Aws, postgres: Postgres, function: Function, metrics: Metrics
) -> None:
    """Once, although two deliveries were needed."""
    delivery = message(aws.upload())
    aws.delete_bus()
    function.invoke(delivery)
    [line] = metrics.lines()
    assert line.keys() - {"_aws", "environment", "service"} == {"GivenBackMessages"}
    aws.create_bus()
    function.invoke(delivery)
    [line] = metrics.lines()
    assert (line["Reports"], line["Cases"]) == ([1.0], [1.0])


def test_an_invocation_that_breaks_off_still_writes_what_it_processed(
    aws: Aws, function: Function, metrics: Metrics
) -> None:
    """Its batch comes again, but what is done will be found done."""
    with pytest.raises(KeyError, match="body"):
        function.invoke(message(aws.upload()), {"messageId": "m1", "attributes": {"ApproximateReceiveCount": "1"}})
    [line] = metrics.lines()
    assert line["Reports"] == [1.0]
