"""The function as Lambda invokes it: what becomes of an upload."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.handler.helpers.surroundings import REPORT, Aws, Function, Postgres, message, upload_of

METADATA = {
    "tap-project": "web",
    "tap-branch": "main",
    "tap-commit": "c0ffee",
    "tap-build-url": "https://ci.example/7",
}
TWO_TESTS = b"""
<testsuites name="all" time="2.5">
  <testsuite name="cart" timestamp="2026-11-23T12:00:00">
    <testcase classname="Cart" name="adds" time="0.5"/>
    <testcase classname="Cart" name="pays" time="1.5">
      <failure type="Declined" message="no money">line 7</failure>
    </testcase>
  </testsuite>
</testsuites>
"""


def test_a_report_is_recorded(aws: Aws, postgres: Postgres, function: Function) -> None:
    """With everything that the notification and the object's metadata say about it."""
    record = aws.upload(metadata=METADATA)
    assert function.invoke(message(record)) == []
    [row] = postgres.query(
        "select event_id, bucket, key, version_id, etag, size, kind, uploaded_at, project, branch, commit, build_url,"
        " status, error_code, error_message from upload"
    )
    upload = upload_of(record)
    assert row == (
        upload.event_id,
        "uploads",
        "shop/report.xml",
        upload.version_id,
        upload.etag,
        len(REPORT),
        "junit",
        upload.uploaded_at,
        "web",
        "main",
        "c0ffee",
        "https://ci.example/7",
        "success",
        None,
        None,
    )


def test_the_run_of_a_report_is_recorded(aws: Aws, postgres: Postgres, function: Function) -> None:
    """Under the id of the upload."""
    record = aws.upload(content=TWO_TESTS)
    function.invoke(message(record))
    [row] = postgres.query(
        "select id, started_at, duration_seconds, tests, passed, failed, error, skipped, flaky from run"
    )
    started_at = datetime.fromisoformat("2026-11-23T12:00:00+00:00")
    assert row == (upload_of(record).event_id, started_at, 2.5, 2, 1, 1, 0, 0, 0)


def test_the_results_of_a_report_are_recorded(aws: Aws, postgres: Postgres, function: Function) -> None:
    """One for each test, of the project that the upload is of."""
    function.invoke(message(aws.upload(content=TWO_TESTS, metadata=METADATA)))
    rows = postgres.query(
        "select project, suite, classname, name, status::text, attempts, result.duration_seconds,"
        " type, message, details from run join result on run_id = run.id join test on test.id = test_id order by name"
    )
    assert rows == [
        ("web", "cart", "Cart", "adds", "passed", 1, 0.5, None, None, None),
        ("web", "cart", "Cart", "pays", "failed", 1, 1.5, "Declined", "no money", "line 7"),
    ]


def test_a_report_is_announced(aws: Aws, postgres: Postgres, function: Function) -> None:
    """With the detail that consumers rely on, and nothing else."""
    record = aws.upload(content=TWO_TESTS, metadata=METADATA)
    function.invoke(message(record))
    [event] = aws.events()
    [(processed_at,)] = postgres.query("select processed_at from upload")
    upload = upload_of(record)
    assert event["source"] == "tap.application.test"
    assert event["detail-type"] == "S3 Object Processed"
    assert event["detail"] == {
        "schema_version": "1",
        "event_id": str(upload.event_id),
        "status": "success",
        "bucket": "uploads",
        "key": "shop/report.xml",
        "version_id": upload.version_id,
        "etag": upload.etag,
        "size": len(TWO_TESTS),
        "kind": "junit",
        "project": "web",
        "branch": "main",
        "commit": "c0ffee",
        "build_url": "https://ci.example/7",
        "processed_at": processed_at.isoformat(timespec="milliseconds"),
        "page_url": f"https://tap.example.com/runs/{upload.event_id}",
        "run": {
            "id": str(upload.event_id),
            "project": "web",
            "series": "report.xml",
            "totals": {"tests": 2, "passed": 1, "failed": 1, "error": 0, "skipped": 0, "flaky": 0},
            "duration": 2.5,
            "incomplete_suites": 0,
        },
    }


def test_the_project_of_a_report_without_metadata_is_its_folder(aws: Aws, function: Function) -> None:
    """Of the build and the duration nothing is known then, which the event says as well."""
    function.invoke(message(aws.upload("shop/nightly/report.xml")))
    [event] = aws.events()
    names = ("project", "branch", "commit", "build_url")
    assert {name: event["detail"][name] for name in names} == {**dict.fromkeys(names), "project": "shop"}
    assert (event["detail"]["run"]["project"], event["detail"]["run"]["duration"]) == ("shop", None)


def test_the_event_time_has_an_offset(aws: Aws, function: Function) -> None:
    """Whoever consumes the event need not guess the time zone."""
    function.invoke(message(aws.upload()))
    [event] = aws.events()
    offset = datetime.fromisoformat(event["detail"]["processed_at"]).utcoffset()
    assert offset is not None
    assert offset.total_seconds() == 0


@pytest.mark.parametrize("content", [b"\x89PNG", REPORT], ids=["an image", "a report"])
def test_an_artifact_has_neither_run_nor_results(
    content: bytes, aws: Aws, postgres: Postgres, function: Function
) -> None:
    """Only what is called a report is parsed."""
    function.invoke(message(aws.upload("shop/screenshot.png", content)))
    assert postgres.query("select kind, status from upload") == [("artifact", "success")]
    assert postgres.query("select id from run union all select run_id from result") == []


def test_an_artifact_is_announced_without_a_run(aws: Aws, function: Function) -> None:
    """Everything else is as for a report."""
    function.invoke(message(aws.upload("shop/screenshot.png", b"\x89PNG")))
    [event] = aws.events()
    assert (event["detail"]["kind"], event["detail"]["status"]) == ("artifact", "success")
    assert "run" not in event["detail"]


@pytest.mark.parametrize(
    ("key", "readable"),
    [
        ("mein shop/100% a+b/Prüfung ✓.xml", "mein shop/100% a+b/Prüfung ✓.xml"),
        ("shop/a\0b.xml", "shop/a\N{REPLACEMENT CHARACTER}b.xml"),
        ("a\0b/report.xml", "a\N{REPLACEMENT CHARACTER}b/report.xml"),
    ],
)
def test_a_strange_key_is_processed(key: str, readable: str, aws: Aws, postgres: Postgres, function: Function) -> None:
    """It arrives as it was uploaded, except for NUL, which PostgreSQL cannot store."""
    assert function.invoke(message(aws.upload(key))) == []
    project = readable.partition("/")[0]
    query = "select key, project, status, tests from upload join run on id = event_id"
    assert postgres.query(query) == [(readable, project, "success", 1)]
    [event] = aws.events()
    assert (event["detail"]["key"], event["detail"]["run"]["project"]) == (readable, project)


def test_two_versions_of_a_key_are_two_uploads(aws: Aws, postgres: Postgres, function: Function) -> None:
    """Each is judged by its own content, in whatever order they are delivered."""
    old, new = aws.upload(content=b"not XML"), aws.upload()
    assert function.invoke(message(new), message(old)) == []
    rows = postgres.query("select version_id, status from upload order by processed_at")
    assert rows == [(upload_of(new).version_id, "success"), (upload_of(old).version_id, "error")]


def test_a_missing_variable_fails_the_whole_batch(
    aws: Aws, function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No message can be processed, so all are retried; the error names the variable."""
    with monkeypatch.context() as deployment:
        deployment.delenv("EVENT_SOURCE")
        with pytest.raises(KeyError, match=re.escape("Set EVENT_SOURCE in the function's environment.")):
            function.invoke(message(aws.upload()))
    assert function.invoke(message(aws.upload())) == []


def test_clients_and_connection_are_kept_between_invocations(aws: Aws, postgres: Postgres, function: Function) -> None:
    """A warm container opens nothing anew."""

    def session() -> list[tuple[Any, ...]]:
        return postgres.query("select pid from pg_stat_activity where application_name = 'tap-ingest'")

    function.invoke(message(aws.upload()))
    first = session()
    function.invoke(message(aws.upload()))
    assert len(first) == 1
    assert session() == first


class TestExpired:
    """A report that comes when it is past its retention: redriven from the dead letters, say."""

    ROW = "select status, is_expired, error_code, project, (select count(*) from run) from upload"

    def uploaded(self, aws: Aws, key: str = "shop/report.xml", *, days_ago: float = 90.1) -> dict[str, Any]:
        record = aws.upload(key, metadata={"tap-project": "web"})
        return {**record, "eventTime": (datetime.now(UTC) - timedelta(days=days_ago)).isoformat()}

    def test_it_is_a_success_without_a_run(self, aws: Aws, postgres: Postgres, function: Function) -> None:
        """The event says why."""
        assert function.invoke(message(self.uploaded(aws))) == []
        assert postgres.query(self.ROW) == [("success", True, None, "web", 0)]
        [event] = aws.events()
        assert (event["detail"]["status"], event["detail"]["expired"]) == ("success", True)
        assert "run" not in event["detail"]

    def test_it_has_one_effect(self, aws: Aws, postgres: Postgres, function: Function) -> None:
        """As any other upload."""
        record = self.uploaded(aws)
        function.invoke(message(record), message(record))
        assert postgres.query(self.ROW) == [("success", True, None, "web", 0)]
        assert len(aws.events()) == 1

    def test_its_object_may_be_gone(self, aws: Aws, postgres: Postgres, function: Function) -> None:
        """The bucket's lifecycle ends when the retention does."""
        record = self.uploaded(aws)
        aws.client("s3").delete_object(Bucket="uploads", Key="shop/report.xml", VersionId=upload_of(record).version_id)
        function.invoke(message(record))
        assert postgres.query(self.ROW) == [("success", True, None, "shop", 0)]

    @pytest.mark.parametrize(("key", "days_ago"), [("shop/report.xml", 89.9), ("shop/log.txt", 100)])
    def test_nothing_else_expires(
        self, aws: Aws, postgres: Postgres, function: Function, key: str, days_ago: float
    ) -> None:
        """Younger reports, and what is not read anyway."""
        function.invoke(message(self.uploaded(aws, key, days_ago=days_ago)))
        [(status, is_expired, *_)] = postgres.query(self.ROW)
        assert (status, is_expired) == ("success", False)
        [event] = aws.events()
        assert "expired" not in event["detail"]
