"""What AWS measures of its services is measured of their real parts, and alarms are judged by it and tell their topics.

A minute of CloudWatch's takes a second here.
"""

import io
import json
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import psycopg
import pytest

from local import processes
from local.emulator import Emulator

SOURCE = """
import json

def handler(event, context):
    print(json.dumps(event.get("printed")))
    status = event.get("queryStringParameters", {}).get("status", "200")
    return {"statusCode": int(status)} if status.isdigit() else 1 / 0
"""

Found = TypeVar("Found")


def wait_for(look: Callable[[], Found | None]) -> Found:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.05)
    pytest.fail("not seen within a minute")


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    # Not below pytest's folder: under root, PostgreSQL runs as another user.
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)


@pytest.fixture(scope="module")
def emulator(directory: Path) -> Iterator[Emulator]:
    with Emulator(log=directory / "emulator.log", directory=directory, speed=60) as emulator:
        yield emulator


@pytest.fixture
def queue_url(emulator: Emulator, name: str) -> str:
    return str(emulator.client("sqs").create_queue(QueueName=name)["QueueUrl"])


def values(emulator: Emulator, namespace: str, metric: str, dimensions: Mapping[str, str]) -> list[float]:
    """All data of a metric, the oldest first, as CloudWatch answers them."""
    now = datetime.now(UTC)
    answer = emulator.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=1),
        Period=1,
        Statistics=["Maximum"],
    )
    return [point["Maximum"] for point in sorted(answer["Datapoints"], key=lambda point: point["Timestamp"])]


@pytest.fixture
def ages(emulator: Emulator, name: str) -> Callable[[], list[float]]:
    return lambda: values(emulator, "AWS/SQS", "ApproximateAgeOfOldestMessage", {"QueueName": name})


@pytest.fixture
def depths(emulator: Emulator, name: str) -> Callable[[], list[float]]:
    return lambda: values(emulator, "AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": name})


class TestQueue:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html"""

    def test_depth(self, emulator: Emulator, queue_url: str, name: str, depths: Callable[[], list[float]]) -> None:
        """Visible messages, and those that somebody works on."""
        sqs = emulator.client("sqs")
        wait_for(lambda: depths() == [0])
        for _ in range(3):
            sqs.send_message(QueueUrl=queue_url, MessageBody="{}")
        sqs.receive_message(QueueUrl=queue_url, VisibilityTimeout=600)
        wait_for(lambda: depths()[-1] == 2)
        in_flight = values(emulator, "AWS/SQS", "ApproximateNumberOfMessagesNotVisible", {"QueueName": name})
        assert in_flight[-1] == 1

    def test_age_of_the_oldest_message(
        self, emulator: Emulator, queue_url: str, ages: Callable[[], list[float]], depths: Callable[[], list[float]]
    ) -> None:
        """An empty queue has none; a second makes a message a minute older."""
        wait_for(depths)
        assert ages() == []
        emulator.client("sqs").send_message(QueueUrl=queue_url, MessageBody="{}")
        wait_for(lambda: len(ages()) > 2)
        assert ages()[2] - ages()[0] > 60

    def test_age_leaves_out_what_comes_again_and_again(
        self, emulator: Emulator, queue_url: str, ages: Callable[[], list[float]], depths: Callable[[], list[float]]
    ) -> None:
        """From its third receive on, SQS takes a message for a poison pill."""
        sqs = emulator.client("sqs")
        sqs.send_message(QueueUrl=queue_url, MessageBody="{}")
        for _ in range(3):
            assert wait_for(lambda: sqs.receive_message(QueueUrl=queue_url, VisibilityTimeout=0).get("Messages"))
        known, seen = len(ages()), len(depths())
        wait_for(lambda: len(depths()) > seen + 2)
        # What was measured before the third receive may have been seen only after.
        assert len(ages()) <= known + 1


def test_dead_letter_is_as_old_as_it_is_in_its_queue(emulator: Emulator, queue_url: str, name: str) -> None:
    """And however often it was received before, it has an age there."""
    sqs = emulator.client("sqs")
    dead_letters = sqs.create_queue(QueueName=f"{name}-dlq")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead_letters, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 3})
    sqs.set_queue_attributes(QueueUrl=queue_url, Attributes={"RedrivePolicy": policy})
    sqs.send_message(QueueUrl=queue_url, MessageBody="{}")
    time.sleep(3)
    for _ in range(3):
        assert wait_for(lambda: sqs.receive_message(QueueUrl=queue_url, VisibilityTimeout=0).get("Messages"))
    assert sqs.receive_message(QueueUrl=queue_url).get("Messages", []) == []
    [age, *_] = wait_for(
        lambda: values(emulator, "AWS/SQS", "ApproximateAgeOfOldestMessage", {"QueueName": f"{name}-dlq"})
    )
    assert age < 3 * 60


@pytest.fixture
def function(emulator: Emulator, name: str) -> str:
    """A function behind a URL that is open to everybody, with a log group."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as package:
        package.writestr(zipfile.ZipInfo("entry.py"), SOURCE)
    role = emulator.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    s3, functions = emulator.client("s3"), emulator.client("lambda")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="package.zip", Body=content.getvalue())
    functions.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role,
        Handler="entry.handler",
        Code={"S3Bucket": name, "S3Key": "package.zip"},
    )
    functions.create_function_url_config(FunctionName=name, AuthType="NONE")
    emulator.client("logs").create_log_group(logGroupName=f"/aws/lambda/{name}")
    return name


def test_invocations(emulator: Emulator, function: str) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html"""
    for status in ("200", "none"):
        event = json.dumps({"queryStringParameters": {"status": status}})
        emulator.client("lambda").invoke(FunctionName=function, Payload=event)
        time.sleep(1)  # so that each has a data point of its own

    def data(metric: str) -> list[float]:
        return values(emulator, "AWS/Lambda", metric, {"FunctionName": function})

    assert data("Invocations") == [1, 1]
    assert data("Errors") == [0, 1]
    assert data("Throttles") == [0, 0]
    assert all(milliseconds > 0 for milliseconds in data("Duration"))


def test_requests_to_a_url(emulator: Emulator, function: str) -> None:
    """A function that fails is the server's fault: https://docs.aws.amazon.com/lambda/latest/dg/urls-monitoring.html"""
    url = emulator.client("lambda").get_function_url_config(FunctionName=function)["FunctionUrl"]
    for status in ("200", "404", "503", "none"):
        request = Request(f"{emulator.url}/?status={status}", headers={"Host": urlsplit(url).netloc})
        with suppress(HTTPError):
            urlopen(request).close()
        time.sleep(1)

    def data(metric: str) -> list[float]:
        return values(emulator, "AWS/Lambda", metric, {"FunctionName": function})

    assert data("UrlRequestCount") == [1, 1, 1, 1]
    assert data("Url4xxCount") == [0, 1, 0, 0]
    assert data("Url5xxCount") == [0, 0, 1, 1]
    assert all(milliseconds > 0 for milliseconds in data("UrlRequestLatency"))


def test_what_a_function_prints_is_in_its_log_group(emulator: Emulator, function: str) -> None:
    emulator.client("lambda").invoke(FunctionName=function, Payload=json.dumps({"printed": "hello"}))
    answer = emulator.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{function}")
    start, printed, report = [event["message"] for event in answer["events"]]
    assert (start.split()[0], printed, report.split()[0]) == ("START", '"hello"', "REPORT")


def test_embedded_metrics(emulator: Emulator, function: str, name: str) -> None:
    """As Powertools prints them: with a list of values for what was counted several times."""
    document = {
        "_aws": {
            "Timestamp": 0,
            "CloudWatchMetrics": [
                {
                    "Namespace": "test",
                    "Dimensions": [["service", "environment"]],
                    "Metrics": [{"Name": "Cases", "Unit": "Count"}],
                }
            ],
        },
        "service": "tap",
        "environment": name,
        "Cases": [3.0, 8.0],
        "message_id": "no dimension",
    }
    emulator.client("lambda").invoke(FunctionName=function, Payload=json.dumps({"printed": document}))
    assert values(emulator, "test", "Cases", {"service": "tap", "environment": name}) == [8]
    metrics = emulator.client("cloudwatch").list_metrics(Namespace="test")["Metrics"]
    names = [sorted(dimension["Name"] for dimension in metric["Dimensions"]) for metric in metrics]
    assert names
    assert all(it == ["environment", "service"] for it in names)


def test_database(emulator: Emulator, name: str, directory: Path) -> None:
    """Connections of clients, and what is left of its storage; nothing of one that is stopped.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html
    """
    rds = emulator.client("rds")
    rds.create_db_instance(
        DBInstanceIdentifier=name,
        Engine="postgres",
        EngineVersion="18",
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20,
        MasterUsername="tap",
        MasterUserPassword="password-1",
        DBName="tap",
        Port=processes.free_port(),
    )
    [instance] = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]

    def data(metric: str) -> list[float]:
        return values(emulator, "AWS/RDS", metric, {"DBInstanceIdentifier": name})

    try:
        wait_for(lambda: data("DatabaseConnections") and data("DatabaseConnections")[-1] == 0)
        with psycopg.connect(
            host=instance["Endpoint"]["Address"],
            hostaddr="127.0.0.1",
            port=instance["Endpoint"]["Port"],
            user="tap",
            password="password-1",
            dbname="tap",
            sslmode="verify-full",
            sslrootcert=str(directory / "databases" / "ca.pem"),
            autocommit=True,
        ) as connection:
            wait_for(lambda: data("DatabaseConnections")[-1] == 1)
            free = data("FreeStorageSpace")[-1]
            assert 19.9 * 2**30 < free < 20 * 2**30
            connection.execute("create table large as select repeat('x', 1000) from generate_series(1, 10000)")
            wait_for(lambda: data("FreeStorageSpace")[-1] < free - 10_000_000)
        rds.stop_db_instance(DBInstanceIdentifier=name)
        last = len(data("FreeStorageSpace"))
        time.sleep(2)
        assert len(data("FreeStorageSpace")) <= last + 1
    finally:
        rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)


class TestEvents:
    """A rule of a custom bus, with a queue for a target."""

    @pytest.fixture
    def rule_arn(self, emulator: Emulator, queue_url: str, name: str) -> str:
        events, sqs = emulator.client("events"), emulator.client("sqs")
        events.create_event_bus(Name=name)
        pattern = json.dumps({"source": [name]})
        rule_arn = events.put_rule(Name=name, EventBusName=name, EventPattern=pattern)["RuleArn"]
        dead_letters = sqs.create_queue(QueueName=f"{name}-dlq")["QueueUrl"]
        for url in (queue_url, dead_letters):
            self.admit(emulator, url, rule_arn)
        arn, dead_letters_arn = (self.arn(emulator, url) for url in (queue_url, dead_letters))
        target = {"Id": "queue", "Arn": arn, "DeadLetterConfig": {"Arn": dead_letters_arn}}
        events.put_targets(Rule=name, EventBusName=name, Targets=[target])
        return str(rule_arn)

    @staticmethod
    def arn(emulator: Emulator, url: str) -> str:
        answer = emulator.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return str(answer["Attributes"]["QueueArn"])

    def admit(self, emulator: Emulator, url: str, rule_arn: str, **condition: Any) -> None:
        statements = [
            {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": self.arn(emulator, url),
                "Condition": {"ArnEquals": {"aws:SourceArn": rule_arn}},
            },
            {
                "Effect": "Deny",
                "Principal": {"AWS": "*"},
                "Action": "sqs:*",
                "Resource": "*",
                "Condition": condition or {"Bool": {"aws:SecureTransport": "false"}},
            },
        ]
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        emulator.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})

    @staticmethod
    def put(emulator: Emulator, name: str) -> dict[str, float]:
        """Put an event. Returns what the rule then counts."""
        entry = {"EventBusName": name, "Source": name, "DetailType": "test", "Detail": '{"number": 42}'}
        assert emulator.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0
        dimensions = {"EventBusName": name, "RuleName": name}
        counted = {
            metric: sum(values(emulator, "AWS/Events", metric, dimensions))
            for metric in ("Invocations", "FailedInvocations", "InvocationsSentToDlq", "InvocationsFailedToBeSentToDlq")
        }
        return {metric: value for metric, value in counted.items() if value}

    @staticmethod
    def receive(emulator: Emulator, url: str) -> dict[str, Any]:
        answer = emulator.client("sqs").receive_message(QueueUrl=url, MessageAttributeNames=["All"])
        [message] = answer["Messages"]
        assert json.loads(message["Body"])["detail"] == {"number": 42}
        attributes = message.get("MessageAttributes", {})
        return {name: attribute["StringValue"] for name, attribute in attributes.items()}

    @pytest.mark.usefixtures("rule_arn")
    def test_target_that_takes_it(self, emulator: Emulator, queue_url: str, name: str) -> None:
        assert self.put(emulator, name) == {"Invocations": 1}
        assert self.receive(emulator, queue_url) == {}

    def test_target_whose_policy_is_gone(self, emulator: Emulator, queue_url: str, name: str, rule_arn: str) -> None:
        """Who put the event hears nothing of it."""
        emulator.client("sqs").set_queue_attributes(QueueUrl=queue_url, Attributes={"Policy": ""})
        assert self.put(emulator, name) == {"Invocations": 1, "FailedInvocations": 1, "InvocationsSentToDlq": 1}
        attributes = self.receive(emulator, f"{queue_url}-dlq")
        assert (attributes["RULE_ARN"], attributes["ERROR_CODE"]) == (rule_arn, "NO_PERMISSIONS")
        assert attributes["TARGET_ARN"] == self.arn(emulator, queue_url)

    @pytest.mark.usefixtures("rule_arn")
    def test_target_that_is_gone(self, emulator: Emulator, queue_url: str, name: str) -> None:
        emulator.client("sqs").delete_queue(QueueUrl=queue_url)
        assert self.put(emulator, name) == {"Invocations": 1, "FailedInvocations": 1, "InvocationsSentToDlq": 1}
        assert self.receive(emulator, f"{queue_url}-dlq")["ERROR_CODE"] == "NO_RESOURCE"

    def test_target_that_admits_another_rule(
        self, emulator: Emulator, queue_url: str, name: str, rule_arn: str
    ) -> None:
        self.admit(emulator, queue_url, f"{rule_arn}-other")
        assert self.put(emulator, name)["FailedInvocations"] == 1

    def test_target_that_denies_it(self, emulator: Emulator, queue_url: str, name: str, rule_arn: str) -> None:
        self.admit(emulator, queue_url, rule_arn, StringEquals={"aws:SourceAccount": "123456789012"})
        assert self.put(emulator, name)["FailedInvocations"] == 1

    @pytest.mark.usefixtures("rule_arn")
    def test_dead_letter_queue_that_is_gone_as_well(self, emulator: Emulator, queue_url: str, name: str) -> None:
        for url in (queue_url, f"{queue_url}-dlq"):
            emulator.client("sqs").delete_queue(QueueUrl=url)
        assert self.put(emulator, name) == {
            "Invocations": 1,
            "FailedInvocations": 1,
            "InvocationsFailedToBeSentToDlq": 1,
        }


# Before there is an alarm, so that nothing of what it tells is missed.
@pytest.mark.usefixtures("queue_url", "notifications")
class TestAlarm:
    """One on the depth of a queue, whose topic tells another queue."""

    @pytest.fixture
    def topic_arn(self, emulator: Emulator, name: str) -> str:
        return str(emulator.client("sns").create_topic(Name=name)["TopicArn"])

    @pytest.fixture
    def notifications(self, emulator: Emulator, topic_arn: str, name: str) -> str:
        sqs = emulator.client("sqs")
        url = sqs.create_queue(QueueName=f"{name}-notifications")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        emulator.client("sns").subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=arn)
        return str(url)

    @pytest.fixture
    def alarm(self, emulator: Emulator, topic_arn: str, name: str) -> str:
        emulator.client("cloudwatch").put_metric_alarm(
            AlarmName=name,
            AlarmDescription="Too deep.",
            Namespace="AWS/SQS",
            MetricName="ApproximateNumberOfMessagesVisible",
            Dimensions=[{"Name": "QueueName", "Value": name}],
            Statistic="Maximum",
            Period=60,
            EvaluationPeriods=2,
            Threshold=1,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
            AlarmActions=[topic_arn],
            OKActions=[topic_arn],
        )
        return name

    @staticmethod
    def state(emulator: Emulator, alarm: str) -> dict[str, Any]:
        [answer] = emulator.client("cloudwatch").describe_alarms(AlarmNames=[alarm])["MetricAlarms"]
        return dict(answer)

    def wait_for_state(self, emulator: Emulator, alarm: str, state: str) -> None:
        wait_for(lambda: self.state(emulator, alarm)["StateValue"] == state)

    @staticmethod
    def notification(emulator: Emulator, url: str) -> dict[str, Any]:
        sqs = emulator.client("sqs")
        [message] = wait_for(lambda: sqs.receive_message(QueueUrl=url).get("Messages"))
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return dict(json.loads(message["Body"]))

    def test_is_raised_and_mended(
        self, emulator: Emulator, queue_url: str, alarm: str, notifications: str, topic_arn: str
    ) -> None:
        sqs = emulator.client("sqs")
        self.wait_for_state(emulator, alarm, "OK")
        first = json.loads(self.notification(emulator, notifications)["Message"])
        assert (first["OldStateValue"], first["NewStateValue"]) == ("INSUFFICIENT_DATA", "OK")
        sqs.send_message(QueueUrl=queue_url, MessageBody="{}")
        self.wait_for_state(emulator, alarm, "ALARM")
        notification = self.notification(emulator, notifications)
        assert notification["Subject"] == f'ALARM: "{alarm}" in US East (N. Virginia)'
        message = json.loads(notification["Message"])
        assert message["NewStateReason"].startswith("Threshold Crossed: 2 out of the last 2 datapoints [1.0 (")
        assert message["NewStateReason"].endswith(
            ")] were greater than or equal to the threshold (1.0) (minimum 2 datapoints for OK -> ALARM transition)."
        )
        assert message["NewStateReason"] == self.state(emulator, alarm)["StateReason"]
        assert {name: message[name] for name in ("AlarmName", "AlarmDescription", "AlarmActions", "OldStateValue")} == {
            "AlarmName": alarm,
            "AlarmDescription": "Too deep.",
            "AlarmActions": [topic_arn],
            "OldStateValue": "OK",
        }
        assert message["Trigger"] == {
            "MetricName": "ApproximateNumberOfMessagesVisible",
            "Namespace": "AWS/SQS",
            "StatisticType": "Statistic",
            "Statistic": "MAXIMUM",
            "Unit": None,
            "Dimensions": [{"value": alarm, "name": "QueueName"}],
            "Period": 60,
            "EvaluationPeriods": 2,
            "DatapointsToAlarm": 2,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "Threshold": 1.0,
            "TreatMissingData": "missing",
            "EvaluateLowSampleCountPercentile": "",
        }
        sqs.purge_queue(QueueUrl=queue_url)
        self.wait_for_state(emulator, alarm, "OK")
        assert self.notification(emulator, notifications)["Subject"].startswith("OK: ")

    def test_topic_that_does_not_admit_it_hears_nothing(
        self, emulator: Emulator, queue_url: str, alarm: str, notifications: str, topic_arn: str
    ) -> None:
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": topic_arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        emulator.client("sns").set_topic_attributes(TopicArn=topic_arn, AttributeName="Policy", AttributeValue=policy)
        emulator.client("sqs").purge_queue(QueueUrl=notifications)
        emulator.client("sqs").send_message(QueueUrl=queue_url, MessageBody="{}")
        self.wait_for_state(emulator, alarm, "ALARM")
        assert "Messages" not in emulator.client("sqs").receive_message(QueueUrl=notifications)

    def test_change_keeps_its_state(self, emulator: Emulator, alarm: str) -> None:
        """A new alarm has none, and one that is changed has its own until it is judged."""
        cloudwatch = emulator.client("cloudwatch")
        self.wait_for_state(emulator, alarm, "OK")
        settings = {
            "Namespace": "nothing",
            "MetricName": "nothing",
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "ignore",
        }
        for each in (alarm, f"{alarm}-new"):
            cloudwatch.put_metric_alarm(AlarmName=each, **settings)
        assert self.state(emulator, alarm)["StateValue"] == "OK"
        assert self.state(emulator, f"{alarm}-new")["StateValue"] == "INSUFFICIENT_DATA"


def test_schedule(emulator: Emulator, function: str, name: str) -> None:
    """It fires once a minute, which is a second here; of what the function does not admit, nothing comes."""
    functions, events = emulator.client("lambda"), emulator.client("events")
    rules = {admitted: f"{name}-{admitted}" for admitted in (True, False)}
    for admitted, rule in rules.items():
        arn = events.put_rule(Name=rule, ScheduleExpression="rate(1 minute)")["RuleArn"]
        target = {"Id": "function", "Arn": functions.get_function_configuration(FunctionName=function)["FunctionArn"]}
        events.put_targets(Rule=rule, Targets=[{**target, "Input": json.dumps({"printed": rule})}])
        if admitted:
            functions.add_permission(
                FunctionName=function,
                StatementId="schedule",
                Action="lambda:InvokeFunction",
                Principal="events.amazonaws.com",
                SourceArn=arn,
            )

    def data(metric: str, *, admitted: bool) -> list[float]:
        return values(emulator, "AWS/Events", metric, {"RuleName": rules[admitted]})

    try:
        wait_for(lambda: len(data("Invocations", admitted=True)) > 1)
        wait_for(lambda: data("FailedInvocations", admitted=False))
        assert data("FailedInvocations", admitted=True) == []
        answer = emulator.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{function}")
        printed = {event["message"] for event in answer["events"]}
        assert printed & {json.dumps(rule) for rule in rules.values()} == {json.dumps(rules[True])}
    finally:
        for rule in rules.values():
            events.remove_targets(Rule=rule, Ids=["function"])
            events.delete_rule(Name=rule)


def test_percentiles(emulator: Emulator, name: str) -> None:
    """Of each period that has data, as they are asked for; moto knows the simple statistics alone."""
    cloudwatch = emulator.client("cloudwatch")
    begin = datetime(2026, 11, 24, 12, tzinfo=UTC)
    data = [(begin + timedelta(seconds=nth), float(nth)) for nth in range(60)] + [(begin + timedelta(minutes=2), 7.0)]
    dimensions = [{"Name": "Of", "Value": name}]
    cloudwatch.put_metric_data(
        Namespace="TAP",
        MetricData=[
            {"MetricName": "Duration", "Dimensions": dimensions, "Timestamp": at, "Value": value} for at, value in data
        ],
    )
    metric = {"Namespace": "TAP", "MetricName": "Duration", "Dimensions": dimensions}
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=[
            {"Id": stat.lower(), "MetricStat": {"Metric": metric, "Period": 60, "Stat": stat}}
            for stat in ("p99", "p50", "Average")
        ],
        StartTime=begin,
        EndTime=begin + timedelta(minutes=3),
        ScanBy="TimestampAscending",
    )
    assert [result["Values"] for result in answer["MetricDataResults"]] == [[59.0, 7.0], [29.0, 7.0], [29.5, 7.0]]
    times = [begin, begin + timedelta(minutes=2)]
    assert [result["Timestamps"] for result in answer["MetricDataResults"]] == [times] * 3
