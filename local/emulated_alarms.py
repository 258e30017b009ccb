"""CloudWatch's alarms in the emulated AWS: each minute they are judged by their metrics, and tell their topics.

moto keeps alarms, and neither looks at a metric nor tells anybody.
"""

import json
import logging
import math
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from moto.cloudwatch.models import (
    Alarm,
    CloudWatchBackend,
    Dimension,
    MetricAggregatedDatum,
    cloudwatch_backends,
)
from moto.core.exceptions import ServiceException
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.sns.models import sns_backends

from local.alarm_evaluation import Condition, Sample, State, judge, statistic
from local.emulated_iam import admits
from local.emulated_metrics import measure_databases, measure_queues
from local.emulated_rds import RealServers
from local.emulator import REGION

_MINUTE = 60  # seconds
_REGION_NAME = "US East (N. Virginia)"
_MAX_SUBJECT = 100  # characters; https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
_COMPARED = {
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "GreaterThanThreshold": "greater than",
    "LessThanOrEqualToThreshold": "less than or equal to",
    "LessThanThreshold": "less than",
}

MetricKey = tuple[str, str, frozenset[tuple[str, str]]]
"""Namespace, name and dimensions."""


class Measurements:
    """What was measured of each metric, and when: seconds of Unix time."""

    def __init__(self) -> None:
        self._samples: defaultdict[MetricKey, list[tuple[float, Sample]]] = defaultdict(list)
        self._read = 0

    def of(self, namespace: str, name: str, dimensions: Sequence[Dimension]) -> Sequence[tuple[float, Sample]]:
        return self._samples[namespace, name, _dimensions(dimensions)]

    def read_on(self, data: Sequence[Any]) -> None:
        """Of all data there are, takes those that have come since the last time."""
        new = data[self._read :]
        self._read += len(new)
        for datum in new:
            if isinstance(datum, MetricAggregatedDatum):
                sample = Sample(datum.sum, datum.sample_count, datum.min, datum.max)
            else:
                sample = Sample.of(datum.value)
            key = (datum.namespace, datum.name, _dimensions(datum.dimensions))
            self._samples[key].append((_unix_time(datum.timestamp), sample))


def _dimensions(dimensions: Sequence[Dimension]) -> frozenset[tuple[str, str]]:
    return frozenset((str(it.name), str(it.value)) for it in dimensions)


def _unix_time(moment: datetime) -> float:
    """moto's times have no time zone, and are UTC's."""
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()


class JudgingCloudWatch(CloudWatchBackend):
    """moto's CloudWatch, whose alarms begin without a state, and tell their topics of each change of it.

    It answers with percentiles, too, and looks at all data once, and not for each point.
    """

    # moto finds the URLs of a service beside the module of its backend.
    __module__ = CloudWatchBackend.__module__

    def put_metric_alarm(self, name: str, *arguments: Any, **named: Any) -> Alarm:
        before = self.alarms.get(name)
        alarm = super().put_metric_alarm(name, *arguments, **named)
        alarm.state_value = before.state_value if before else "INSUFFICIENT_DATA"
        return alarm

    def set_alarm_state(self, alarm_name: str, reason: str, reason_data: str, state_value: str) -> None:
        before = self.alarms[alarm_name].state_value if alarm_name in self.alarms else None
        super().set_alarm_state(alarm_name, reason, reason_data, state_value)
        alarm = self.alarms[alarm_name]
        if before == state_value or not alarm.actions_enabled:
            return
        actions = {
            "OK": alarm.ok_actions,
            "ALARM": alarm.alarm_actions,
            "INSUFFICIENT_DATA": alarm.insufficient_data_actions,
        }
        for topic_arn in actions[state_value]:
            _notify(topic_arn, alarm, before)

    def get_metric_data(
        self,
        queries: list[dict[str, Any]],
        start_time: datetime,
        end_time: datetime,
        scan_by: str = "TimestampAscending",
    ) -> list[dict[str, Any]]:
        if not all("MetricStat" in query for query in queries):
            return super().get_metric_data(queries, start_time, end_time, scan_by)
        measurements = Measurements()
        measurements.read_on(self.metric_data)
        start, end = (_unix_time(time) for time in (start_time, end_time))
        answers = []
        for query in queries:
            wanted = query["MetricStat"]
            metric, period = wanted["Metric"], int(wanted["Period"])
            dimensions = [Dimension(it["Name"], it["Value"]) for it in metric.get("Dimensions", [])]
            periods: defaultdict[int, list[Sample]] = defaultdict(list)
            for at, sample in measurements.of(metric["Namespace"], metric["MetricName"], dimensions):
                if start <= at < end:
                    periods[int(at - start) // period].append(sample)
            points = sorted(periods.items(), reverse=scan_by == "TimestampDescending")
            answers.append(
                {
                    "id": query["Id"],
                    "label": query.get("Label") or metric["MetricName"],
                    "values": [statistic(wanted["Stat"], samples) for _, samples in points],
                    "timestamps": [datetime.fromtimestamp(start + number * period, UTC) for number, _ in points],
                    "status_code": "Complete",
                }
            )
        return answers


def install() -> None:
    """Let moto's CloudWatch have these alarms; before the first request to it."""
    cloudwatch_backends.backend = JudgingCloudWatch


@contextmanager
def judged(servers: RealServers, *, speed: int) -> Iterator[None]:
    """Each minute, queues and databases are measured and all alarms judged, for as long as this lasts.

    `speed`: how often the minute of CloudWatch passes in one of the clock: see `local.emulator.Emulator`.
    """
    stopped = threading.Event()
    measurements = Measurements()

    def watch() -> None:
        minute = _MINUTE / speed
        while True:
            end = (time.time() // minute + 1) * minute
            if stopped.wait(end - time.time()):
                return
            try:
                # A data point has the time at which its minute began.
                begin = datetime.fromtimestamp(end - minute, UTC)
                measure_queues(at=begin, speed=speed)
                measure_databases(servers, at=begin)
                _judge_all(measurements, end, speed)
            except Exception:
                # What is wrong with one minute must not end the next.
                logging.exception("Alarms are not judged")

    thread = threading.Thread(target=watch, name="alarms", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def _judge_all(measurements: Measurements, end: float, speed: int) -> None:
    backend = cloudwatch_backends[DEFAULT_ACCOUNT_ID][REGION]
    measurements.read_on(backend.metric_data)
    for alarm in [*backend.alarms.values()]:
        condition = _condition(alarm)
        period = alarm.period / speed
        samples = measurements.of(alarm.namespace, alarm.metric_name, alarm.dimensions)
        points = _points(samples, alarm, condition.evaluation_range, period=period, end=end)
        state = judge(points, condition)
        if state and state != alarm.state_value:
            times = [end - (len(points) - index) * period for index in range(len(points))]
            reason = _reason(points, times, condition, alarm.state_value, state)
            backend.set_alarm_state(alarm.name, reason, "{}", state)


def _condition(alarm: Alarm) -> Condition:
    return Condition(
        comparison_operator=alarm.comparison_operator,
        threshold=alarm.threshold,
        evaluation_periods=alarm.evaluation_periods,
        datapoints_to_alarm=alarm.datapoints_to_alarm or alarm.evaluation_periods,
        treat_missing_data=alarm.treat_missing_data or "missing",
    )


def _points(
    samples: Sequence[tuple[float, Sample]], alarm: Alarm, number: int, *, period: float, end: float
) -> list[float | None]:
    """The data points of the last periods before `end`; CloudWatch's window slides with each evaluation.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation-window.html
    """
    periods: list[list[Sample]] = [[] for _ in range(number)]
    for at, sample in samples:
        age = math.ceil((end - at) / period)
        if 1 <= age <= number:
            periods[-age].append(sample)
    return [statistic(alarm.statistic or str(alarm.extended_statistic), it) for it in periods]


def _reason(
    points: Sequence[float | None], times: Sequence[float], condition: Condition, before: str, state: State
) -> str:
    """In CloudWatch's words."""
    needed = condition.evaluation_periods
    if state == "INSUFFICIENT_DATA":
        return f"Insufficient Data: {needed} datapoints were unknown."
    known = [(point, at) for point, at in zip(points, times, strict=True) if point is not None][-needed:]
    if not known:
        treated = "Breaching" if state == "ALARM" else "NonBreaching"
        return (
            f"Threshold Crossed: no datapoints were received for {needed} periods and {needed} missing datapoints"
            f" were treated as [{treated}]."
        )
    shown = [
        f"{point} ({datetime.fromtimestamp(at, UTC):%d/%m/%y %H:%M:%S})"
        for point, at in reversed(known)
        if condition.is_breached_by(point) is (state == "ALARM")
    ]
    least = condition.datapoints_to_alarm if state == "ALARM" else needed - condition.datapoints_to_alarm + 1
    return (
        f"Threshold Crossed: {len(shown)} out of the last {needed} datapoints [{', '.join(shown)}]"
        f" {'was' if len(shown) == 1 else 'were'}{'' if state == 'ALARM' else ' not'}"
        f" {_COMPARED[condition.comparison_operator]} the threshold ({condition.threshold})"
        f" (minimum {least} datapoint{'s' if least > 1 else ''} for {before} -> {state} transition)."
    )


def _notify(topic_arn: str, alarm: Alarm, before: str | None) -> None:
    backend = sns_backends[DEFAULT_ACCOUNT_ID][REGION]
    try:
        policy = json.loads(backend.get_topic(topic_arn).policy)
    except ServiceException:
        logging.exception("The alarm %s tells nobody: there is no topic %s", alarm.name, topic_arn)
        return
    account = DEFAULT_ACCOUNT_ID
    context = {
        "aws:sourcearn": alarm.alarm_arn,
        "aws:sourceaccount": account,
        "aws:sourceowner": account,
        "aws:securetransport": "true",
    }
    if admits(policy, service="cloudwatch.amazonaws.com", action="sns:Publish", resource=topic_arn, context=context):
        subject = f'{alarm.state_value}: "{alarm.name}" in {_REGION_NAME}'
        backend.publish(json.dumps(_message(alarm, before)), topic_arn, subject=subject[:_MAX_SUBJECT])
    else:
        logging.error("The policy of %s does not let the alarm %s publish", topic_arn, alarm.name)


def _message(alarm: Alarm, before: str | None) -> dict[str, Any]:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html"""
    kind: dict[str, str | None]
    if alarm.statistic:
        kind = {"StatisticType": "Statistic", "Statistic": alarm.statistic.upper()}
    else:
        kind = {"StatisticType": "ExtendedStatistic", "ExtendedStatistic": alarm.extended_statistic}
    return {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "AWSAccountId": DEFAULT_ACCOUNT_ID,
        "AlarmConfigurationUpdatedTimestamp": _time(alarm.configuration_updated_timestamp),
        "NewStateValue": alarm.state_value,
        "NewStateReason": alarm.state_reason,
        "StateChangeTime": _time(alarm.state_updated_timestamp),
        "Region": _REGION_NAME,
        "AlarmArn": alarm.alarm_arn,
        "OldStateValue": before,
        "OKActions": alarm.ok_actions,
        "AlarmActions": alarm.alarm_actions,
        "InsufficientDataActions": alarm.insufficient_data_actions,
        "Trigger": {
            "MetricName": alarm.metric_name,
            "Namespace": alarm.namespace,
            **kind,
            "Unit": alarm.unit,
            "Dimensions": [{"value": it.value, "name": it.name} for it in alarm.dimensions],
            "Period": alarm.period,
            "EvaluationPeriods": alarm.evaluation_periods,
            "DatapointsToAlarm": alarm.datapoints_to_alarm or alarm.evaluation_periods,
            "ComparisonOperator": alarm.comparison_operator,
            "Threshold": alarm.threshold,
            "TreatMissingData": alarm.treat_missing_data or "missing",
            "EvaluateLowSampleCountPercentile": alarm.evaluate_low_sample_count_percentile or "",
        },
    }


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}+0000"
