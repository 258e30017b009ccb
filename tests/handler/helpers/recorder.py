"""How the tests record reports: as the function does it, without S3 and the bus around it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from xml.sax.saxutils import escape, quoteattr

from psycopg import Connection

from handler.notifications import upload_id
from handler.origin import Origin
from handler.reading.report import Report
from handler.recording.results import Run, record_run
from tests.handler.helpers.reports import report_of

NOW = datetime.now(UTC).replace(microsecond=0)

_OUTCOMES = {
    "passed": "",
    "skipped": "<skipped/>",
    "flaky": "<flakyFailure/>",
    "failed": "<failure/>",
    "error": "<error/>",
}


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def at(days: float) -> str:
    """The moment so many days ago, as JSON has it."""
    return f"{ago(days):%Y-%m-%dT%H:%M:%SZ}"


def case(status: str, name: str = "adds", **attributes: object) -> str:
    """A case of this status."""
    written = "".join(f" {key}={quoteattr(str(value))}" for key, value in {"name": name, **attributes}.items())
    return f"<testcase{written}>{_OUTCOMES[status]}</testcase>"


def failing(
    name: str, message: str = "no", *, kind: str = "AssertionError", details: str = "at a:1", time: float = 1
) -> str:
    """A case of the class `Cart` that failed, and what it says."""
    return (
        f'<testcase classname="Cart" name={quoteattr(name)} time="{time}"><failure type={quoteattr(kind)} '
        f"message={quoteattr(message)}>{escape(details)}</failure></testcase>"
    )


class Recorder:
    """One connection of the function's, to a database that has its schema."""

    def __init__(self, connection: Connection[Any]) -> None:
        self.connection = connection

    def record(self, *cases: str, project: str = "shop", **named: Any) -> Run:
        """Records an upload whose report has these cases; by default of a commit of the main branch."""
        report = report_of(f"<testsuite>{''.join(cases)}</testsuite>", project=project)
        return self.record_report(report, project=project, **{"branch": "main", "commit": "c1", **named})

    def record_report(
        self,
        report: Report,
        *,
        project: str = "shop",
        branch: str | None = None,
        commit: str | None = None,
        days_ago: float = 0,
        series: str = "report.xml",
        build_url: str | None = "https://ci.example/7",
        main_branch: str | None = None,
    ) -> Run:
        """Records an upload of this report."""
        version_id = uuid4().hex
        run_id = upload_id("uploads", "report.xml", version_id)
        origin = Origin(
            project=project,
            series=series,
            branch=branch,
            commit=commit,
            build_url=build_url,
            main_branch=main_branch,
        )
        with self.connection.transaction():
            self.connection.execute(
                "insert into upload (event_id, bucket, key, version_id, etag, size, kind, status, processed_at,"
                " project, branch, commit, build_url, uploaded_at)"
                " values (%s, 'uploads', 'report.xml', %s, 'e', 1, 'junit', 'success', now(), %s, %s, %s, %s, %s)",
                [run_id, version_id, project, branch, commit, build_url, ago(days_ago)],
            )
            return record_run(self.connection, run_id, report, origin=origin, uploaded_at=ago(days_ago))

    def announce(self, run_id: UUID) -> None:
        """Leaves an event of the upload, as it stands once it was sent."""
        self.connection.execute(
            "insert into outbox (event_id, upload_id, detail_type, detail, sent_at)"
            " values (%s, %s, 'S3 Object Processed', '{}', now())",
            [run_id, run_id],
        )

    def test_ids(self) -> dict[str, str]:
        """Those of all tests, by name."""
        return {name: str(test_id) for name, test_id in self.query("select name, id from history.test")}

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(statement.encode()).fetchall()
