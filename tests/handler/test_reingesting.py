"""A recorded upload is read again: then all that is recorded of it is what its object says."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid5

import psycopg
import pytest

from handler.announcing import FAILURES_CHANGED, OBJECT_PROCESSED
from handler.errors import NotReplaced, NotXml
from handler.notifications import Reingest
from handler.origin import Origin
from handler.outcome import Expired, Faulty, OpenReport, UploadOutcome
from handler.processing import Processor
from handler.recording import removal, upkeep, uploads
from tests.handler.helpers.reports import report_of
from tests.handler.helpers.surroundings import (
    Aws,
    Function,
    InterruptedStorage,
    Postgres,
    aged,
    message,
    report,
    upload_of,
    wait_for_a_lock,
)

REQUEST, ANOTHER = UUID(int=1), UUID(int=2)
# What an older reader made of the reports of these tests.
MISREAD = """
<testsuites><testsuite>
  <testcase name="no test at all"><failure message="misread">line 7</failure></testcase>
  <testcase name="0" time="5"><system-out>misread</system-out></testcase>
  <system-out>misread</system-out>
</testsuite></testsuites>
"""

ROW = "select status, is_expired, error_code, (select count(*) from run) from upload"
RESULTS = "select run_id, name, status::text from result join test on test.id = test_id order by name"
FAILING = "select name, runs from failing_tests order by name"


def misread(processor: Processor, record: dict[str, Any], outcome: UploadOutcome | None = None) -> None:
    """Records and announces the upload as an older reader did: by default, a report with other tests."""
    upload = upload_of(record)
    connection = processor.database.connected()
    origin = Origin.of(upload.readable_key, {})
    with connection.transaction():
        read = outcome or OpenReport(report_of(MISREAD, project=origin.project))
        processor._leave_events(connection, uploads.record(connection, upload, origin, read))
    processor.process(upload)


def asked_for(record: dict[str, Any], request_id: UUID = REQUEST) -> Reingest:
    upload = upload_of(record)
    return Reingest(bucket=upload.bucket, key=upload.key, version_id=upload.version_id, request_id=request_id)


def again(record: dict[str, Any], request_id: UUID = REQUEST) -> dict[str, Any]:
    """The message that asks for the upload of this record."""
    return message(body=asked_for(record, request_id).message())


def delete_object(aws: Aws, record: dict[str, Any]) -> None:
    upload = upload_of(record)
    aws.client("s3").delete_object(Bucket=upload.bucket, Key=upload.key, VersionId=upload.version_id)


def test_a_report_is_read_right(aws: Aws, postgres: Postgres, processor: Processor, function: Function) -> None:
    """Under the same ids; nothing is left of what was misread."""
    record = aws.upload(content=report(cases=2))
    misread(processor, record)
    upload = upload_of(record)
    assert postgres.query(FAILING) == [("no test at all", 1)]
    query = "select history.run.id, uploaded_at, processed_at from history.run join upload using (event_id)"
    [(key, _, processed_at)] = postgres.query(query)
    assert function.invoke(again(record)) == []
    assert postgres.query(RESULTS) == [(upload.event_id, "0", "passed"), (upload.event_id, "1", "passed")]
    assert postgres.query("select id, tests, passed from run") == [(upload.event_id, 2, 2)]
    assert postgres.query(FAILING) == postgres.query("select run_id from suite_output") == []
    assert postgres.query("select message from history.texts") == []
    assert postgres.query("select name from slowest_tests") == []
    [(key_now, uploaded_at, processed_again_at)] = postgres.query(query)
    assert (key_now, uploaded_at) == (key, upload.uploaded_at)
    assert processed_again_at > processed_at


def test_it_is_announced_in_the_place_of_what_was_announced(
    aws: Aws, postgres: Postgres, processor: Processor, function: Function
) -> None:
    """Under an id of its own, with all that an event says."""
    record = aws.upload(content=report(cases=2), metadata={"tap-branch": "main"})
    misread(processor, record)
    aws.events()
    function.invoke(again(record))
    [event] = aws.events()
    upload = upload_of(record)
    [(processed_at,)] = postgres.query("select processed_at from upload")
    assert event["detail-type"] == OBJECT_PROCESSED
    assert event["detail"] == {
        "schema_version": "1",
        "event_id": str(uuid5(upload.event_id, str(REQUEST))),
        "replaces": str(upload.event_id),
        "status": "success",
        "bucket": "uploads",
        "key": "shop/report.xml",
        "version_id": upload.version_id,
        "etag": upload.etag,
        "size": upload.size,
        "kind": "junit",
        "project": "shop",
        "branch": "main",
        "commit": None,
        "build_url": None,
        "processed_at": processed_at.isoformat(timespec="milliseconds"),
        "page_url": f"https://tap.example.com/runs/{upload.event_id}",
        "run": {
            "id": str(upload.event_id),
            "project": "shop",
            "series": "report.xml",
            "totals": {"tests": 2, "passed": 2, "failed": 0, "error": 0, "skipped": 0, "flaky": 0},
            "duration": None,
            "incomplete_suites": 0,
        },
    }


def test_a_request_that_is_delivered_twice_has_one_effect(
    aws: Aws, postgres: Postgres, processor: Processor, function: Function
) -> None:
    """And one event."""
    record = aws.upload()
    misread(processor, record)
    aws.events()
    assert function.invoke(again(record), again(record)) == []
    first = postgres.query("select processed_at from upload")
    assert function.invoke(again(record)) == []
    assert postgres.query("select processed_at from upload") == first
    assert len(aws.events()) == 1
    assert [entry["message"] for entry in function.log_entries] == [
        "Upload processed again",
        "Upload was processed before",
        "Upload was processed before",
    ]


def test_the_next_request_replaces_what_the_one_before_announced(
    aws: Aws, processor: Processor, function: Function
) -> None:
    """Each names the one before it."""
    record = aws.upload()
    misread(processor, record)
    function.invoke(again(record), again(record, ANOTHER))
    details = [event["detail"] for event in aws.events()]
    assert [detail.get("replaces") for detail in details] == [None, *(detail["event_id"] for detail in details[:2])]
    assert len({detail["event_id"] for detail in details}) == 3


def test_the_original_message_has_no_effect_any_more(
    aws: Aws, postgres: Postgres, processor: Processor, function: Function
) -> None:
    """It may come again at any time."""
    record = aws.upload(content=report(cases=2))
    misread(processor, record)
    function.invoke(again(record))
    aws.events()
    assert function.invoke(message(record)) == []
    assert aws.events() == []
    assert postgres.query("select tests from run") == [(2,)]


def test_a_fault_becomes_a_run(aws: Aws, postgres: Postgres, processor: Processor, function: Function) -> None:
    """It stands where its upload stands in time."""
    record = aws.upload()
    misread(processor, record, Faulty(NotXml("The reader was at fault.")))
    assert postgres.query(ROW) == [("error", False, "not_xml", 0)]
    function.invoke(again(record))
    assert postgres.query(ROW) == [("success", False, None, 1)]
    assert postgres.query("select uploaded_at from run_summary") == [(upload_of(record).uploaded_at,)]
    assert [event["detail"]["status"] for event in aws.events()] == ["error", "success"]


def test_a_run_becomes_a_fault(aws: Aws, postgres: Postgres, processor: Processor, function: Function) -> None:
    """Though it was found in the middle of the report, and what came before it was read."""
    record = aws.upload(content=report(cases=3_000)[:-1])
    misread(processor, record)
    function.invoke(again(record))
    assert postgres.query(ROW) == [("error", False, "not_xml", 0)]
    assert postgres.query(RESULTS) == postgres.query(FAILING) == []
    [_, event] = aws.events()
    assert event["detail"]["error"]["code"] == "not_xml"
    assert event["detail"]["page_url"] == f"https://tap.example.com/uploads/{upload_of(record).event_id}"


def test_a_fault_may_become_another(aws: Aws, postgres: Postgres, processor: Processor, function: Function) -> None:
    """Neither has a run."""
    record = aws.upload(content=b"<html/>")
    misread(processor, record, Faulty(NotXml("The reader was at fault.")))
    function.invoke(again(record))
    assert postgres.query(ROW) == [("error", False, "not_junit", 0)]


def test_where_it_comes_from_is_read_again(
    aws: Aws, postgres: Postgres, processor: Processor, function: Function
) -> None:
    """An older reader may have taken the wrong project, branch or series."""
    metadata = {"tap-project": "web", "tap-branch": "main", "tap-job": "unit", "tap-commit": "c1"}
    record = aws.upload(content=report(cases=2), metadata=metadata)
    misread(processor, record)
    function.invoke(again(record))
    query = "select project, series, branch, commit, tests from run_summary"
    assert postgres.query(query) == [("web", "unit", "main", "c1", 2)]
    assert postgres.query("select distinct project from test join result on test_id = id") == [("web",)]
    assert postgres.query("select project from slowest_tests") == postgres.query(FAILING) == []


def test_names_that_no_run_has_any_more_go_with_the_upkeep(
    aws: Aws, postgres: Postgres, processor: Processor, function: Function
) -> None:
    """Reports of the project may be on their way, as always."""
    record = aws.upload(content=report(cases=1))
    misread(processor, record)
    function.invoke(again(record))
    with postgres.connect() as connection:
        upkeep.keep_up(connection, text_retention=30, outcome_retention=90, seconds_left=lambda: 60)
    assert postgres.query("select name from test") == [("0",)]


class TestItStaysAsItIs:
    """What cannot be read again is kept, and the log says why. The message is done."""

    def unchanged(self, postgres: Postgres, function: Function, record: dict[str, Any]) -> str:
        """The reason."""
        tables = ("upload", "outbox", "history.run", "history.plane", "history.texts", "history.failing")
        before = [postgres.query(f"select * from {table}") for table in tables]
        assert function.invoke(again(record)) == []
        assert [postgres.query(f"select * from {table}") for table in tables] == before
        entry = function.log_entries[-1]
        assert (entry["level"], entry["message"]) == ("WARNING", "Upload stays as it is recorded")
        assert entry["correlation_id"] == str(upload_of(record).event_id)
        return str(entry["reason"])

    def test_the_object_is_gone(self, aws: Aws, postgres: Postgres, processor: Processor, function: Function) -> None:
        """Nothing is lost by asking."""
        record = aged(aws.upload(), minutes=21)
        misread(processor, record)
        delete_object(aws, record)
        assert self.unchanged(postgres, function, record) == "The bucket does not hold this version of the object."

    def test_it_is_past_its_retention(
        self, aws: Aws, postgres: Postgres, processor: Processor, function: Function
    ) -> None:
        """The upkeep removes it when it comes to it."""
        record = aged(aws.upload(), minutes=91 * 24 * 60)
        misread(processor, record)
        assert self.unchanged(postgres, function, record) == "The upload is past its retention."

    def test_it_is_not_recorded(self, aws: Aws, postgres: Postgres, function: Function) -> None:
        """Forgotten, or not yet there."""
        assert self.unchanged(postgres, function, aws.upload()) == "Nothing is recorded of the upload."


def test_a_report_that_was_too_old_is_read_under_a_longer_retention(
    aws: Aws, postgres: Postgres, processor: Processor, function: Function
) -> None:
    """Then it is none of those that expired."""
    record = aged(aws.upload(), minutes=80 * 24 * 60)
    misread(processor, record, Expired())
    function.invoke(again(record))
    assert postgres.query(ROW) == [("success", False, None, 1)]


def test_an_object_that_s3_may_only_not_show_yet_is_asked_for_again(
    aws: Aws, postgres: Postgres, processor: Processor, function: Function
) -> None:
    """As with a new upload."""
    record = aws.upload()
    misread(processor, record)
    delete_object(aws, record)
    asked = again(record)
    assert function.invoke(asked) == [asked["messageId"]]
    assert function.log_entries[-1]["error"] == "NotYetVisible"
    assert postgres.query("select count(*) from outbox") == [(1,)]


@pytest.mark.parametrize("lost", ["history.plane", "history.running_total", "history.failing", "outbox"])
def test_a_failure_leaves_what_was_recorded_before(
    lost: str, aws: Aws, postgres: Postgres, processor: Processor
) -> None:
    """At whatever step; the next delivery does all of it."""
    record = aws.upload(content=b"<testsuite><testcase name='0' time='1'><failure/></testcase></testsuite>")
    misread(processor, record)
    before = postgres.query(RESULTS), postgres.query(FAILING)
    postgres.query(f"alter table {lost} add constraint broken check (false) not valid")
    with pytest.raises(psycopg.errors.CheckViolation):
        processor.process_again(asked_for(record))
    assert (postgres.query(RESULTS), postgres.query(FAILING)) == before
    postgres.query(f"alter table {lost} drop constraint broken")
    assert processor.process_again(asked_for(record))
    assert postgres.query(RESULTS) == [(upload_of(record).event_id, "0", "failed")]
    assert postgres.query(FAILING) == [("0", 1)]


def test_a_failure_after_the_record_leaves_the_event_to_be_sent(
    aws: Aws, postgres: Postgres, processor: Processor, function: Function
) -> None:
    """Under the same id, though the object is gone meanwhile."""
    record = aged(aws.upload(), minutes=21)
    misread(processor, record)
    aws.events()
    aws.delete_bus()
    asked = again(record)
    assert function.invoke(asked) == [asked["messageId"]]
    [(left,)] = postgres.query("select event_id from outbox where sent_at is null")
    aws.create_bus()
    delete_object(aws, record)
    assert function.invoke(asked) == []
    assert [event["detail"]["event_id"] for event in aws.events()] == [str(left)]
    assert left == asked_for(record).event_id


def test_an_event_that_was_not_sent_before_is_sent_first(aws: Aws, processor: Processor, function: Function) -> None:
    """Whoever replaces something by another has seen it."""
    record = aws.upload()
    aws.delete_bus()
    function.invoke(message(record))
    aws.create_bus()
    function.invoke(again(record))
    first, second = (event["detail"] for event in aws.events())
    assert "replaces" not in first
    assert second["replaces"] == first["event_id"]


class TestTestFailuresChanged:
    """What a run breaks and fixes is announced when it is read again, if it still is the latest of its series."""

    BEFORE = b"<testsuite><testcase name='adds'/><testcase name='no test at all'/></testsuite>"
    BROKEN = b"<testsuite><testcase name='adds'><failure/></testcase><testcase name='no test at all'/></testsuite>"
    # The same to whoever reads it.
    AS_MISREAD = MISREAD.replace("misread", "read").encode()

    def upload(self, aws: Aws, content: bytes, *, minutes: int) -> dict[str, Any]:
        return aged(aws.upload(content=content), minutes=minutes)

    def changes(self, aws: Aws) -> list[dict[str, Any]]:
        """The details of these events since the last time, with the names of what fails newly."""
        details = [event["detail"] for event in aws.events() if event["detail-type"] == FAILURES_CHANGED]
        return [
            {**detail, "newly_failing": [test["name"] for test in detail["newly_failing"]["tests"]]}
            for detail in details
        ]

    def test_what_was_not_seen_before(self, aws: Aws, processor: Processor, function: Function) -> None:
        """There is nothing to replace."""
        function.invoke(message(self.upload(aws, self.BEFORE, minutes=9)))
        record = self.upload(aws, self.BROKEN, minutes=8)
        misread(processor, record, Faulty(NotXml("The reader was at fault.")))
        assert self.changes(aws) == []
        function.invoke(again(record), again(record))
        [changed] = self.changes(aws)
        assert (changed["newly_failing"], changed["run"]["id"]) == (["adds"], str(upload_of(record).event_id))
        assert changed["event_id"] == str(uuid5(asked_for(record).event_id, FAILURES_CHANGED))
        assert "replaces" not in changed

    def test_what_was_seen_wrongly(self, aws: Aws, processor: Processor, function: Function) -> None:
        """It names what was said before."""
        function.invoke(message(self.upload(aws, self.BEFORE, minutes=9)))
        record = self.upload(aws, self.BROKEN, minutes=8)
        misread(processor, record)
        [wrong] = self.changes(aws)
        assert wrong["newly_failing"] == ["no test at all"]
        function.invoke(again(record))
        [right] = self.changes(aws)
        assert (right["newly_failing"], right["replaces"]) == (["adds"], wrong["event_id"])

    def test_what_is_known_is_not_said_again(self, aws: Aws, processor: Processor, function: Function) -> None:
        """People would be called twice."""
        function.invoke(message(self.upload(aws, self.BEFORE, minutes=9)))
        record = self.upload(aws, self.AS_MISREAD, minutes=8)
        misread(processor, record)
        aws.events()
        function.invoke(again(record))
        assert [event["detail-type"] for event in aws.events()] == [OBJECT_PROCESSED]

    def test_what_is_past(self, aws: Aws, processor: Processor, function: Function) -> None:
        """A newer run of the series says what is so now."""
        function.invoke(message(self.upload(aws, self.BEFORE, minutes=9)))
        record = self.upload(aws, self.BROKEN, minutes=8)
        misread(processor, record, Faulty(NotXml("The reader was at fault.")))
        function.invoke(message(self.upload(aws, self.BEFORE, minutes=7)))
        aws.events()
        function.invoke(again(record))
        assert self.changes(aws) == []


class TestMeanwhile:
    """While the report is being read again, for which nobody waits but those who want the same upload."""

    def during(self, processor: Processor, record: dict[str, Any], happen: Callable[[], object]) -> Callable[[], Any]:
        """Reads the upload again, and lets this happen in the middle of it."""
        interrupted = dataclasses.replace(processor, storage=InterruptedStorage(processor.storage, happen))
        return lambda: interrupted.process_again(asked_for(record))

    @pytest.fixture
    def record(self, aws: Aws, processor: Processor) -> dict[str, Any]:
        record = aws.upload(content=report(cases=3_000))
        misread(processor, record)
        aws.events()
        return record

    def test_another_delivery_of_the_request_waits(
        self,
        aws: Aws,
        postgres: Postgres,
        processor: Processor,
        other_processor: Processor,
        record: dict[str, Any],
    ) -> None:
        """And finds nothing left to do, or the event left to be sent."""
        with ThreadPoolExecutor() as containers:
            second: Future[Any]

            def deliver_again() -> None:
                nonlocal second
                second = containers.submit(other_processor.process_again, asked_for(record))
                wait_for_a_lock(postgres, second)

            first = self.during(processor, record, deliver_again)()
            assert sorted(answer is None for answer in (first, second.result())) == [False, True]
        assert len(aws.events()) == 1
        assert postgres.query("select tests, passed from run") == [(3_000, 3_000)]

    def test_another_request_waits(
        self,
        aws: Aws,
        postgres: Postgres,
        processor: Processor,
        other_processor: Processor,
        record: dict[str, Any],
    ) -> None:
        """And replaces what the first announced."""
        with ThreadPoolExecutor() as containers:
            second: Future[Any]

            def ask_again() -> None:
                nonlocal second
                second = containers.submit(other_processor.process_again, asked_for(record, ANOTHER))
                wait_for_a_lock(postgres, second)

            self.during(processor, record, ask_again)()
            second.result()
        replaced = {event["detail"]["event_id"]: event["detail"]["replaces"] for event in aws.events()}
        assert replaced[str(asked_for(record, ANOTHER).event_id)] == str(asked_for(record).event_id)
        assert postgres.query("select count(*) from run") == [(1,)]

    def test_other_reports_of_the_project_do_not_wait(
        self,
        aws: Aws,
        postgres: Postgres,
        processor: Processor,
        other_processor: Processor,
        record: dict[str, Any],
    ) -> None:
        """Nor the original message, which finds what was recorded before."""
        next_one = upload_of(aws.upload(content=report(cases=2)))

        def deliver() -> None:
            assert other_processor.process(next_one)
            assert other_processor.process(upload_of(record)) is None
            assert postgres.query("select tests from run_summary order by uploaded_at") == [(2,), (2,)]

        self.during(processor, record, deliver)()
        assert postgres.query("select tests from run_summary order by uploaded_at") == [(3_000,), (2,)]

    def test_who_forgets_it_waits(
        self,
        postgres: Postgres,
        processor: Processor,
        record: dict[str, Any],
    ) -> None:
        """Then all of it is gone."""
        with ThreadPoolExecutor() as containers:
            forgotten: Future[Any]

            def forget() -> int:
                with postgres.connect() as connection, connection.transaction():
                    connection.execute("set local application_name = 'tap-ingest'")
                    return removal.remove(connection, [upload_of(record).event_id])

            def forget_meanwhile() -> None:
                nonlocal forgotten
                forgotten = containers.submit(forget)
                wait_for_a_lock(postgres, forgotten)
                assert not forgotten.done()

            self.during(processor, record, forget_meanwhile)()
            assert forgotten.result() == 1
        assert postgres.query("select event_id from upload") == postgres.query("select run_id from result") == []

    def test_it_is_not_recorded_anew_once_it_is_forgotten(
        self, postgres: Postgres, processor: Processor, record: dict[str, Any]
    ) -> None:
        """Who waits for the one that forgets it finds nothing."""
        with postgres.connect() as connection, ThreadPoolExecutor() as containers:
            with connection.transaction():
                removal.remove(connection, [upload_of(record).event_id])
                waiting = containers.submit(processor.process_again, asked_for(record))
                wait_for_a_lock(postgres, waiting)
                assert not waiting.done()
            with pytest.raises(NotReplaced):
                waiting.result()
        assert postgres.query("select event_id from upload") == []

    def test_the_upkeep_goes_on(self, postgres: Postgres, processor: Processor, record: dict[str, Any]) -> None:
        """It takes texts that are past their retention, and then the new ones."""

        def keep_up() -> None:
            with postgres.connect() as connection:
                done = upkeep.keep_up(connection, text_retention=-1, outcome_retention=90, seconds_left=lambda: 60)
                assert done.texts == 1

        self.during(processor, record, keep_up)()
        assert postgres.query("select tests, passed from run") == [(3_000, 3_000)]

    def test_it_waits_for_the_upkeep(
        self, postgres: Postgres, processor: Processor, record: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """In whose hands the texts are: each would have what the other one wants next."""
        with postgres.connect() as connection, ThreadPoolExecutor() as containers:
            execute = connection.execute
            reading: list[Future[Any]] = []

            def execute_slowly(query: Any, *values: Any) -> Any:
                if query == upkeep._DELETE_PASSES and not reading:
                    reading.append(containers.submit(processor.process_again, asked_for(record)))
                    wait_for_a_lock(postgres, reading[0])
                return execute(query, *values)

            monkeypatch.setattr(connection, "execute", execute_slowly)
            done = upkeep.keep_up(connection, text_retention=-1, outcome_retention=90, seconds_left=lambda: 60)
            assert done.is_complete
            assert [container.result().status for container in reading] == ["success"]
        assert postgres.query("select tests, passed from run") == [(3_000, 3_000)]
