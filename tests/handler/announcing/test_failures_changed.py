"""The event "Test Failures Changed": when a run is announced by it, and what it says."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid5

import psycopg
import pytest

from handler.announcing import FAILURES_CHANGED
from handler.origin import Origin
from handler.outcome import Artifact
from handler.processing import Processor
from handler.recording import projects
from tests.handler.helpers.recorder import case
from tests.handler.helpers.surroundings import (
    Aws,
    InterruptedPublisher,
    InterruptedStorage,
    Postgres,
    aged,
    upload_of,
    wait_for_a_lock,
)

METADATA = {"tap-project": "shop", "tap-job": "unit", "tap-branch": "main", "tap-build-url": "https://ci.example/7"}


@dataclass
class Job:
    """A job of a CI system, whose reports come one minute after the other, unless it is said otherwise."""

    aws: Aws
    processor: Processor
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def upload(self, *cases: str, minutes: int | None = None, **metadata: str) -> dict[str, Any]:
        """The S3 record of a report; `minutes`: since some day's beginning."""
        number = next(self._numbers)
        said = METADATA | {"tap-commit": f"c{number}"} | {f"tap-{name}": value for name, value in metadata.items()}
        content = f"<testsuite>{''.join(cases)}</testsuite>".encode()
        record = self.aws.upload("shop/report.xml", content, {name: value for name, value in said.items() if value})
        return aged(record, minutes=600 - (number if minutes is None else minutes))

    def report(self, *cases: str, **named: Any) -> dict[str, Any] | None:
        """What is announced of a report beside itself."""
        upload = upload_of(self.upload(*cases, **named))
        assert self.processor.process(upload)
        events = self.aws.events()
        assert events[0]["detail"]["event_id"] == str(upload.event_id)
        return self.changed(events[1:])

    def changed(self, events: list[dict[str, Any]]) -> dict[str, Any] | None:
        """The detail of the one event that there is at most."""
        assert [event["detail-type"] for event in events] in ([], [FAILURES_CHANGED])
        return events[0]["detail"] if events else None


@pytest.fixture
def job(aws: Aws, processor: Processor) -> Job:
    return Job(aws, processor)


def counts(detail: dict[str, Any] | None) -> tuple[int, int, int] | None:
    """Newly failing, fixed, still failing."""
    if detail is None:
        return None
    return detail["newly_failing"]["count"], detail["fixed"]["count"], detail["still_failing"]["count"]


def names(detail: dict[str, Any] | None, kind: str) -> list[str]:
    assert detail
    return [test["name"] for test in detail[kind]["tests"]]


def test_a_run_that_breaks_and_fixes_tests_is_announced(job: Job, postgres: Postgres) -> None:
    """With counts, names and all that leads there, and nothing else."""
    job.report(case("passed", "pays"), case("failed", "adds"), case("error", "ships"), case("passed", "logs in"))
    detail = job.report(
        case("failed", "pays"),
        case("failed", "pays", classname="tests.Cart"),
        case("passed", "adds"),
        case("failed", "ships"),
        case("passed", "logs in"),
    )
    ids = dict(postgres.query("select concat(classname, name), id::text from test"))
    [(first,), (second,)] = postgres.query("select id from run_summary order by uploaded_at")
    assert detail == {
        "schema_version": "1",
        "event_id": str(uuid5(second, "Test Failures Changed")),
        "project": "shop",
        "branch": "main",
        "series": "unit",
        "commit": "c2",
        "build_url": "https://ci.example/7",
        "page_url": f"https://tap.example.com/runs/{second}",
        "run": {
            "id": str(second),
            "totals": {"tests": 5, "passed": 2, "failed": 3, "error": 0, "skipped": 0, "flaky": 0},
        },
        "previous_run": {"id": str(first), "commit": "c1"},
        "newly_failing": {
            "count": 2,
            "tests": [
                {"id": ids["pays"], "name": "pays", "place": None},
                {"id": ids["tests.Cartpays"], "name": "pays", "place": "tests.Cart"},
            ],
        },
        "fixed": {"count": 1, "tests": [{"id": ids["adds"], "name": "adds", "place": None}]},
        "still_failing": {"count": 1, "tests": [{"id": ids["ships"], "name": "ships", "place": None}]},
        "message": {
            "title": "❌ shop: 2 newly failing, 1 fixed · main · unit",
            "newly_failing": "2 newly failing: `pays`, `pays` in `tests.Cart`",
            "fixed": "1 fixed: `adds`",
            "still_failing": "1 still failing",
        },
    }


def test_a_run_that_only_fixes_is_good_news(job: Job) -> None:
    """Its title says so."""
    job.report(case("failed", "adds"), case("passed", "pays"))
    detail = job.report(case("passed", "adds"), case("passed", "pays"), branch="main")
    assert detail
    assert detail["message"] == {
        "title": "✅ shop: 1 fixed · main · unit",
        "newly_failing": "None newly failing",
        "fixed": "1 fixed: `adds`",
        "still_failing": "None still failing",
    }


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(["passed"], ["passed"], None, id="all is well"),
        pytest.param(["failed"], ["failed"], None, id="it goes on failing"),
        pytest.param(["failed"], ["error"], None, id="it fails otherwise"),
        pytest.param(["failed"], ["skipped"], None, id="it is skipped, which fixes nothing"),
        pytest.param(["skipped"], ["passed"], None, id="it was skipped before"),
        pytest.param(["passed"], ["skipped"], None, id="it is skipped, which breaks nothing"),
        pytest.param(["passed"], ["flaky"], None, id="it passes only after a rerun, and does not fail"),
        pytest.param(["failed"], ["flaky"], (0, 1, 0), id="it passes after a rerun, and failed before"),
        pytest.param(["flaky"], ["failed"], (1, 0, 0), id="it passed after a rerun, and fails for good"),
        pytest.param(["skipped"], ["failed"], (1, 0, 0), id="it was skipped, and fails now"),
        pytest.param(["passed"], ["error"], (1, 0, 0), id="an error"),
        pytest.param([], ["failed"], (1, 0, 0), id="a new test that fails"),
        pytest.param([], ["passed"], None, id="a new test that passes"),
        pytest.param(["failed"], [], None, id="the failing test was removed, which fixes nothing"),
        pytest.param(["passed"], [], None, id="a test was removed"),
        pytest.param(["failed", "failed", "passed"], ["failed", "passed", "failed"], (1, 1, 1), id="all at once"),
    ],
)
def test_what_changes_the_failures(
    job: Job, before: list[str], after: list[str], expected: tuple[int, int, int] | None
) -> None:
    """As the page of the run says it."""
    others = [case("passed", "other")]
    assert job.report(*others, *(case(status, f"test {nth}") for nth, status in enumerate(before))) is None
    assert counts(job.report(*others, *(case(status, f"test {nth}") for nth, status in enumerate(after)))) == expected


class TestWhatItIsHeldAgainst:
    """The run before it of its series on its branch."""

    def test_the_first_run_is_held_against_nothing(self, job: Job) -> None:
        """Else every new branch would announce what fails on the main branch."""
        assert job.report(case("failed")) is None
        assert job.report(case("failed"), branch="feature") is None
        assert job.report(case("failed"), job="windows") is None
        assert job.report(case("failed"), project="other") is None

    @pytest.mark.parametrize("other", [{"branch": "feature"}, {"job": "windows"}, {"project": "other"}])
    def test_other_runs_in_between_do_not_matter(self, job: Job, other: dict[str, str]) -> None:
        """Those of another branch, series or project."""
        job.report(case("passed"))
        job.report(case("failed"), **other)
        assert counts(job.report(case("failed"))) == (1, 0, 0)
        assert counts(job.report(case("passed"), **other)) == (0, 1, 0)

    def test_reports_without_a_branch_are_one_branch(self, job: Job) -> None:
        """As on the pages."""
        job.report(case("passed"), branch="")
        job.report(case("passed"))
        detail = job.report(case("failed"), branch="")
        assert detail
        assert (detail["branch"], detail["message"]["title"]) == (None, "❌ shop: 1 newly failing · no branch · unit")

    def test_reports_beyond_the_limit_of_series_are_not_of_one_job(
        self, job: Job, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each would break and fix the tests of the others."""
        monkeypatch.setattr(projects, "MAX_SERIES", 1)
        job.report(case("passed"))
        assert job.report(case("passed"), job="windows") is None
        assert job.report(case("failed"), job="linux") is None
        assert counts(job.report(case("failed"))) == (1, 0, 0)

    def test_faults_and_artifacts_are_no_runs(self, job: Job, aws: Aws, processor: Processor) -> None:
        """They say nothing of tests, and are stood against by none."""
        job.report(case("passed"))
        for key, content in (("shop/report.xml", b"no report"), ("shop/log.txt", b"log")):
            assert processor.process(upload_of(aws.upload(key, content, METADATA)))
        assert len(aws.events()) == 2
        assert counts(job.report(case("failed"))) == (1, 0, 0)


class TestLateArrivals:
    """Only the newest run of a series tells how it stands."""

    def test_a_report_that_is_older_than_the_latest_announces_nothing(self, job: Job) -> None:
        """What it broke may be fixed again."""
        job.report(case("passed"), minutes=1)
        job.report(case("passed"), minutes=3)
        assert job.report(case("failed"), minutes=2) is None

    def test_the_next_is_held_against_the_run_before_it(self, job: Job) -> None:
        """In the order of time, not of arrival."""
        job.report(case("passed"), minutes=1)
        assert counts(job.report(case("failed"), minutes=3)) == (1, 0, 0)
        assert job.report(case("passed"), minutes=2) is None
        assert job.report(case("failed"), minutes=4) is None

    def test_two_at_the_same_moment_announce_what_changed_once(
        self, job: Job, aws: Aws, postgres: Postgres, processor: Processor, other_processor: Processor
    ) -> None:
        """The second waits for the first, and is held against it."""
        job.report(case("passed"))
        first, second = (upload_of(job.upload(case("failed"))) for _ in range(2))
        with ThreadPoolExecutor() as containers:
            with other_processor.database.connected().transaction():
                other_processor.process(first)
                waiting: Future[Any] = containers.submit(processor.process, second)
                wait_for_a_lock(postgres, waiting)
                assert not waiting.done()
            assert waiting.result()
        changed = [event["detail"] for event in aws.events() if event["detail-type"] == FAILURES_CHANGED]
        assert [detail["run"]["id"] for detail in changed] == [str(first.event_id)]


class TestExactlyOnce:
    """It is decided with the record of the run, and sent like any other event of the upload."""

    def test_a_redelivery_announces_nothing_more(self, job: Job, aws: Aws, processor: Processor) -> None:
        """Neither later nor at once."""
        job.report(case("passed"))
        upload = upload_of(job.upload(case("failed")))
        assert processor.process(upload)
        assert processor.process(upload) is None
        assert len(aws.events()) == 2

    def test_what_was_decided_stands(self, job: Job, aws: Aws, processor: Processor, postgres: Postgres) -> None:
        """A delivery that finds the upload recorded does not look again, when other runs may stand before it."""
        job.report(case("passed"), minutes=2)
        upload = upload_of(job.upload(case("passed"), minutes=4))
        assert processor.process(upload)
        aws.events()
        job.report(case("failed"), minutes=3)
        # As one that began before the first was done.
        processor._write(upload, Origin(project="shop"), Artifact())
        assert processor.process(upload) is None
        assert postgres.query("select count(*) from outbox where detail_type = 'Test Failures Changed'") == [(0,)]

    def test_a_failure_after_the_events_sends_both_again(
        self, job: Job, aws: Aws, processor: Processor, postgres: Postgres
    ) -> None:
        """Under the same ids."""
        job.report(case("passed"))
        upload = upload_of(job.upload(case("failed")))
        interrupted = InterruptedPublisher(processor.publisher, postgres.cut_connections)
        with pytest.raises(psycopg.OperationalError):
            dataclasses.replace(processor, publisher=interrupted).process(upload)
        assert processor.process(upload)
        ids = [event["detail"]["event_id"] for event in aws.events()]
        assert ids == [str(upload.event_id), str(uuid5(upload.event_id, FAILURES_CHANGED))] * 2

    def test_a_failure_while_it_is_decided_leaves_nothing_behind(
        self, job: Job, aws: Aws, processor: Processor, postgres: Postgres
    ) -> None:
        """The run is recorded with its event, or not at all."""
        job.report(case("passed"))
        upload = upload_of(job.upload(case("failed")))
        postgres.query("alter function history.first_changes rename to elsewhere")
        with pytest.raises(psycopg.errors.UndefinedFunction):
            processor.process(upload)
        assert postgres.query("select count(*) from run") == [(1,)]
        postgres.query("alter function history.elsewhere rename to first_changes")
        assert processor.process(upload)
        assert len(aws.events()) == 2

    def test_two_deliveries_at_once_decide_once(
        self, job: Job, aws: Aws, processor: Processor, other_processor: Processor, postgres: Postgres
    ) -> None:
        """The second waits while the first reads the report, and finds what it decided."""
        job.report(case("passed"))
        upload = upload_of(job.upload(*(case("failed", f"test {number}") for number in range(3_000))))
        other_processor.database.connected()
        with ThreadPoolExecutor() as containers:
            second: Future[Any]

            def deliver_again() -> None:
                nonlocal second
                second = containers.submit(other_processor.process, upload)
                wait_for_a_lock(postgres, second)

            first = dataclasses.replace(processor, storage=InterruptedStorage(processor.storage, deliver_again))
            answers = [first.process(upload), second.result()]
        assert sorted(answer is None for answer in answers) == [False, True]
        assert counts(job.changed(aws.events()[1:])) == (3_000, 0, 0)
        assert postgres.query("select count(*), count(sent_at) from outbox") == [(3, 3)]


class TestNames:
    """Of tests: as many as a person reads."""

    def test_ten_of_a_kind_are_named(self, job: Job) -> None:
        """And five of them to people; the counts are of all."""
        job.report(*(case("failed", f"old {number:02}") for number in range(12)))
        detail = job.report(*(case("failed", f"new {number:02}") for number in range(1_234)))
        assert detail
        assert counts(detail) == (1_234, 0, 0)
        assert names(detail, "newly_failing") == [f"new {number:02}" for number in range(10)]
        assert detail["message"]["newly_failing"] == (
            "1,234 newly failing: `new 00`, `new 01`, `new 02`, `new 03`, `new 04` and 1,229 more"
        )

    def test_they_stay_outside_where_the_environment_says_so(
        self, aws: Aws, processor: Processor, postgres: Postgres
    ) -> None:
        """Then nothing that a report says is in the event, but the series that its key may have named."""
        muted = Job(aws, dataclasses.replace(processor, announce_test_names=False))
        muted.report(case("passed", "hunter2"), case("failed", "hunter3"))
        detail = muted.report(case("failed", "hunter2"), case("passed", "hunter3"))
        assert detail
        assert [detail[kind] for kind in ("newly_failing", "fixed", "still_failing")] == [
            {"count": 1},
            {"count": 1},
            {"count": 0},
        ]
        assert detail["message"]["newly_failing"] == "1 newly failing"
        assert detail["message"]["fixed"] == "1 fixed"
        assert postgres.query("select count(*) from outbox where detail::text like '%hunter%'") == [(0,)]

    def test_a_variant_is_part_of_a_name(self, job: Job) -> None:
        """What tells two tests of one name apart."""
        job.report(case("passed"), case("passed"))
        detail = job.report(case("passed"), case("failed"))
        assert names(detail, "newly_failing") == ["adds #2"]

    def test_texts_of_reports_are_in_no_event(self, job: Job, postgres: Postgres) -> None:
        """What a test printed may be confidential."""
        said = "<failure type='hunter2' message='hunter2'>hunter2</failure><system-out>hunter2</system-out>"
        job.report(case("passed"))
        assert job.report(f"<testcase name='adds'>{said}</testcase>", "<system-err>hunter2</system-err>")
        assert postgres.query("select count(*) from outbox where detail::text like '%hunter2%'") == [(0,)]
