"""Every alarm is raised by the fault that it is for, done for real, and somebody hears of it, and that it is over.

Time goes faster for CloudWatch: see `tests/e2e/conftest.py`. What is changed here is put back, so that the tests after
these find the platform as it was deployed.
"""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from handler.announcing import FAILURES_CHANGED
from local.cdktf import PROJECT
from local.platform import Platform
from tests.e2e.notices import Notices
from tests.e2e.stacks import SUFFIX
from tests.e2e.uploads import event_of, upload, wait_for
from tests.function_urls import send, sign, unsigned

REPORT = (PROJECT / "local" / "sample-report.xml").read_bytes()

TAKES_ITS_TIME = "a function's own seconds are not shortened"
ONLY_IN_AWS = {
    "database-cpu": "RDS's processors are not measured",
    "database-credits": "RDS's credits are not measured",
    "database-storage": "takes a full disk",
    "ingest-duration": TAKES_ITS_TIME,
    "ingest-throttles": "invocations wait for each other",
    "results-duration": TAKES_ITS_TIME,
    "results-throttles": "invocations wait for each other",
    "schema-duration": TAKES_ITS_TIME,
    "schema-throttles": "invocations wait for each other",
    "upkeep-incomplete": "takes days",
    "upkeep-missed": "takes days",
}
"""What is not raised here, and why. How such an alarm is judged: `tests/local/test_alarm_evaluation.py`."""


@pytest.fixture(scope="module")
def notices(platform: Platform) -> Iterator[Notices]:
    notices = Notices(platform)
    yield notices
    notices.close()


def queue_url(platform: Platform, name: str) -> str:
    return str(platform.emulator.client("sqs").get_queue_url(QueueName=f"tap-{name}-{SUFFIX}")["QueueUrl"])


@contextmanager
def attribute(platform: Platform, queue: str, name: str, value: str) -> Iterator[None]:
    """A queue with another attribute for a while."""
    sqs, url = platform.emulator.client("sqs"), queue_url(platform, queue)
    before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={name: value})
    try:
        yield
    finally:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={name: before})


@contextmanager
def closed_topic(platform: Platform) -> Iterator[None]:
    """The topic of notifications lets nobody in for a while."""
    sns, arn = platform.emulator.client("sns"), platform.access.outputs["notifications_topic_arn"]
    before = sns.get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"]
    policy = json.loads(before)
    policy["Statement"] = [statement for statement in policy["Statement"] if statement["Effect"] == "Deny"]
    sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=json.dumps(policy))
    try:
        yield
    finally:
        sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=before)


@contextmanager
def configured(platform: Platform, function: str, **settings: Any) -> Iterator[None]:
    """A function with other settings for a while."""
    functions, name = platform.emulator.client("lambda"), f"tap-{function}-{SUFFIX}"
    before = functions.get_function_configuration(FunctionName=name)
    functions.update_function_configuration(FunctionName=name, **settings)
    try:
        yield
    finally:
        functions.update_function_configuration(FunctionName=name, **{key: before[key] for key in settings})


@contextmanager
def quick_retries(platform: Platform) -> Iterator[None]:
    """What the ingest function gives back comes again after a second, and not after the minutes that AWS asks for."""
    with attribute(platform, "ingest", "VisibilityTimeout", "1"):
        let_polls_end()
        yield


def let_polls_end() -> None:
    """Lambda reads the ingest queue in polls of a second: one that is under way knows nothing of a change."""
    time.sleep(1.5)


@contextmanager
def paused(platform: Platform) -> Iterator[None]:
    """Lambda does not read the ingest queue for a while."""
    functions = platform.emulator.client("lambda")
    [mapping] = functions.list_event_source_mappings()["EventSourceMappings"]
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    let_polls_end()
    try:
        yield
    finally:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)


def receive(platform: Platform, queue: str) -> list[dict[str, Any]]:
    """Messages, as a consumer gets them that does not finish its work."""
    url = queue_url(platform, queue)
    answer = platform.emulator.client("sqs").receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0, WaitTimeSeconds=0
    )
    return list(answer.get("Messages", []))


def fail_for_good(platform: Platform, queue: str) -> None:
    """Receives the message of a queue, and does not delete it, until it is a dead letter."""

    def look() -> list[dict[str, Any]]:
        while receive(platform, queue):
            pass
        return receive(platform, f"dlq-{queue}")

    wait_for(look)


def drain(platform: Platform, queue: str) -> list[str]:
    """Takes all that is in a queue; returns the messages' bodies."""
    sqs, bodies = platform.emulator.client("sqs"), list[str]()
    while messages := receive(platform, queue):
        for message in messages:
            bodies.append(message["Body"])
            sqs.delete_message(QueueUrl=queue_url(platform, queue), ReceiptHandle=message["ReceiptHandle"])
    return bodies


def ask(platform: Platform) -> int:
    """The status that the first page is answered with."""
    return send(platform.emulator, sign(unsigned(platform.access.outputs["results_url"]))).status


@contextmanager
def somebody_asks(platform: Platform) -> Iterator[None]:
    """For the first page, again and again."""
    stopped = threading.Event()

    def ask_again() -> None:
        while not stopped.is_set():
            ask(platform)

    with ThreadPoolExecutor() as threads:
        asking = threads.submit(ask_again)
        try:
            yield
        finally:
            stopped.set()
        asking.result()


@contextmanager
def slow_projects(platform: Platform) -> Iterator[None]:
    """Whoever reads the table of projects waits for seconds, but gets it before the reader gives up, after five."""
    stopped = threading.Event()

    def lock_again() -> None:
        with platform.access.connect() as connection:
            while not stopped.is_set():
                with connection.transaction():
                    connection.execute("lock table history.project in access exclusive mode")
                    stopped.wait(3.5)

    with ThreadPoolExecutor() as threads:
        locking = threads.submit(lock_again)
        try:
            yield
        finally:
            stopped.set()
        locking.result()


def test_what_cannot_be_read(platform: Platform, notices: Notices) -> None:
    """Many refused reports, and a message that is no notification of S3."""
    with notices.of("ingest-faults", "ingest-invalid-messages"):
        platform.emulator.client("sqs").send_message(QueueUrl=queue_url(platform, "ingest"), MessageBody="hello")
        for number in range(int(notices.alarms()["ingest-faults"]["Threshold"])):
            upload(platform, f"alarms/{number}.xml", b"no report")


def test_events_that_cannot_be_delivered(platform: Platform, notices: Notices) -> None:
    """The consumer queue lets EventBridge in no more; and then the dead-letter queue neither."""
    with attribute(platform, "events", "Policy", ""):
        with notices.of("undelivered-events"):
            upload(platform, "alarms/undelivered.xml", REPORT)
        with attribute(platform, "undelivered-events", "Policy", ""), notices.of("lost-events"):
            upload(platform, "alarms/lost.xml", REPORT)
    assert [json.loads(body)["detail"]["key"] for body in drain(platform, "undelivered-events")] == [
        "alarms/undelivered.xml"
    ]


def test_notifications_that_cannot_be_delivered(platform: Platform, notices: Notices) -> None:
    """Likewise their topic and its dead-letter queue."""

    def put_event() -> None:
        entry = {"Source": f"tap.application.{SUFFIX}", "DetailType": FAILURES_CHANGED, "Detail": "{}"}
        bus = platform.access.outputs["event_bus_name"]
        platform.emulator.client("events").put_events(Entries=[{**entry, "EventBusName": bus}])

    with closed_topic(platform):
        with notices.of("undelivered-notifications"):
            put_event()
        with attribute(platform, "undelivered-notifications", "Policy", ""), notices.of("lost-notifications"):
            put_event()
    assert len(drain(platform, "undelivered-notifications")) == 1


def test_events_that_their_consumer_fails_at(platform: Platform, notices: Notices) -> None:
    """It receives them, and does not delete them."""
    drain(platform, "events")
    upload(platform, "alarms/unconsumed.xml", REPORT)
    with notices.of("events-dead-letters"):
        fail_for_good(platform, "events")
    assert len(drain(platform, "dlq-events")) == 1


def test_database_that_is_down(platform: Platform, notices: Notices) -> None:
    """People who look at results notice at once; uploads wait."""
    rds, instance = platform.emulator.client("rds"), platform.access.outputs["db_instance_id"]
    rds.stop_db_instance(DBInstanceIdentifier=instance)
    try:
        with somebody_asks(platform), notices.of("results-unanswered"):
            pass
    finally:
        rds.start_db_instance(DBInstanceIdentifier=instance)


def test_database_that_is_another(platform: Platform, notices: Notices) -> None:
    """It lacks a table: every attempt at an upload fails, and the next one, until it is there again."""
    with platform.access.connect() as connection, quick_retries(platform):
        connection.execute("alter table upload rename to upload_elsewhere")
        try:
            with notices.of("ingest-given-back"):
                upload(platform, "alarms/without-table.xml", REPORT)
        finally:
            connection.execute("alter table upload_elsewhere rename to upload")
        assert event_of(platform, "alarms/without-table.xml")["status"] == "success"


def test_functions_that_lost_their_settings(platform: Platform, notices: Notices) -> None:
    """They throw, whatever they are asked for."""
    nothing: dict[str, Any] = {"Variables": {}}
    with quick_retries(platform):
        with (
            configured(platform, "lambda", Environment=nothing),
            configured(platform, "results", Environment=nothing),
            somebody_asks(platform),
            notices.of("ingest-errors", "results-errors"),
        ):
            upload(platform, "alarms/without-settings.xml", REPORT)
        assert event_of(platform, "alarms/without-settings.xml")["status"] == "success"


def test_connections_that_nobody_closes(platform: Platform, notices: Notices) -> None:
    with ExitStack() as connections, notices.of("database-connections"):
        for _ in range(int(notices.alarms()["database-connections"]["Threshold"])):
            connections.enter_context(platform.access.connect())


def test_migration_that_fails(platform: Platform, notices: Notices) -> None:
    with notices.of("schema-errors"), platform.access.connect() as connection:
        connection.execute("insert into schema_version values (999, 999)")
        try:
            answer = platform.emulator.client("lambda").invoke(
                FunctionName=f"tap-schema-{SUFFIX}", Payload=json.dumps({"migrate": True})
            )
        finally:
            connection.execute("delete from schema_version where version = 999")
        assert answer["FunctionError"] == "Unhandled"


def test_schedule_that_may_not_invoke(platform: Platform, notices: Notices) -> None:
    """A minute stands for the day."""
    functions, events = platform.emulator.client("lambda"), platform.emulator.client("events")
    function, name = f"tap-schema-{SUFFIX}", f"tap-upkeep-{SUFFIX}"
    [permission] = json.loads(functions.get_policy(FunctionName=function)["Policy"])["Statement"]
    rule = {key: value for key, value in events.describe_rule(Name=name).items() if key in {"Name", "Description"}}
    functions.remove_permission(FunctionName=function, StatementId=permission["Sid"])
    events.put_rule(**rule, ScheduleExpression="rate(1 minute)")
    try:
        with notices.of("upkeep-refused"):
            pass
    finally:
        events.put_rule(**rule, ScheduleExpression="rate(1 day)")
        functions.add_permission(
            FunctionName=function,
            StatementId=permission["Sid"],
            Action=permission["Action"],
            Principal=permission["Principal"]["Service"],
            SourceArn=permission["Condition"]["ArnLike"]["AWS:SourceArn"],
        )


def test_uploads_that_nobody_processes_and_pages_that_wait(platform: Platform, notices: Notices) -> None:
    """The queue is not read any more; and a table is locked again and again, for which every page waits."""
    key = "alarms/waiting.xml"
    with paused(platform):
        with (
            slow_projects(platform),
            somebody_asks(platform),
            notices.of("ingest-queue-age", "results-latency"),
        ):
            upload(platform, key, REPORT)
        with notices.of("ingest-dead-letters"):
            fail_for_good(platform, "ingest")
        for body in drain(platform, "dlq-ingest"):
            platform.emulator.client("sqs").send_message(QueueUrl=queue_url(platform, "ingest"), MessageBody=body)
    assert event_of(platform, key)["status"] == "success"


def test_all_is_well_again(platform: Platform, notices: Notices) -> None:
    """And whoever heard of an alarm hears that it is over."""
    upload(platform, "alarms/last.xml", REPORT)
    wait_for(lambda: all(states[-1] == "OK" for states in notices.heard().values() if states))
    assert [name for name, alarm in notices.alarms().items() if alarm["StateValue"] == "ALARM"] == []


def test_every_alarm_is_raised_here_or_has_a_reason(notices: Notices) -> None:
    raised = {name for name, states in notices.heard().items() if "ALARM" in states}
    assert sorted([*raised, *ONLY_IN_AWS]) == sorted(notices.alarms())
