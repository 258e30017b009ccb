"""From any run, written as JUnit XML, to PostgreSQL and back."""

import gzip
import itertools
from collections import Counter
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings

from handler.processing import Processor
from tests.handler.helpers import model
from tests.handler.helpers.model import Case, Outcome, Result, Suite
from tests.handler.helpers.recorder import Recorder
from tests.handler.helpers.reports import report_of
from tests.handler.helpers.surroundings import Aws, Postgres, upload_of

NAME = "adds ]]> \U0001f600"
CASES = (
    Case(None, "Cart", NAME, 0.25, (Outcome("failure", "A", "1 != 2", "at a"),), "put in"),
    Case(None, "Cart", NAME, 0.5),
    Case("", "Cart", "removes", 3.0, (Outcome("skipped", None, "on\nWindows"),), "", " \\N "),
)
CART = Suite("testsuite", "pytest", "tests/cart.py", "ci-1", 1234.5, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), CASES)
RUN = Suite("testsuites", "all", children=(CART,))
# One class around pytest's suite and in it.
SAME_CLASS = Suite(
    "testsuite", "", children=(CASES[2], Suite("testsuite", model.PYTEST, children=(CASES[1], CASES[2])))
)


def read_back(connection: psycopg.Connection[Any], run_id: UUID) -> tuple[list[Result], tuple[Any, ...]]:
    """The results of a run in PostgreSQL, and what stands in the run itself."""
    results = connection.execute(
        "select file, suite, variant, classname, name, status::text, attempts, result.duration_seconds,"
        " type, message, details, system_out, system_err, outcomes"
        " from run join result on run_id = run.id join test on test_id = test.id where run.id = %s",
        [run_id],
    )
    [run] = connection.execute(
        "select started_at at time zone 'UTC', duration_seconds, tests, passed, skipped, flaky, failed, error"
        " from run where id = %s",
        [run_id],
    )
    return in_order(Result(*row) for row in results), run


def expected(run: Suite) -> tuple[list[Result], tuple[Any, ...]]:
    """The same, as the model has it."""
    results = model.results(run)
    statuses = Counter(result.status for result in results)
    started_at = model.started_at(run)
    totals = [len(results), *(statuses[status] for status in model.SEVERITY)]
    return in_order(results), (
        started_at and started_at.astimezone(UTC).replace(tzinfo=None),
        model.seconds(run),
        *totals,
    )


def in_order(results: Any) -> list[Result]:
    return sorted(results, key=repr)


PROJECTS = itertools.count()


# One database serves all examples: each is a project of its own, and none sees another's tests.
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(run=model.runs)
@example(run=SAME_CLASS)
def test_any_run_comes_back_as_it_was_written(recorder: Recorder, run: Suite) -> None:
    """Every text, status, count and time of it."""
    project = str(next(PROJECTS))
    recorded = recorder.record_report(report_of(model.written(run), project=project), project=project)
    assert read_back(recorder.connection, recorded.id) == expected(run)


@pytest.mark.parametrize("key", ["shop/report.xml", "shop/report.xml.gz"])
def test_an_uploaded_run_comes_back_as_it_was_written(
    aws: Aws, postgres: Postgres, processor: Processor, key: str
) -> None:
    """All the way from S3."""
    content = model.written(RUN).encode()
    upload = upload_of(aws.upload(key, gzip.compress(content) if key.endswith(".gz") else content))
    processor.process(upload)
    with postgres.connect() as connection:
        assert read_back(connection, upload.event_id) == expected(RUN)
