"""The series of a project: bounded, and the same whoever makes them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from handler.recording import projects
from handler.recording.projects import ALL_OTHERS, project_of, series_of
from tests.handler.helpers.recorder import Recorder, case
from tests.handler.helpers.surroundings import Aws, Function, Postgres, message, wait_for_a_lock


@pytest.fixture
def two_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit of a project, in place of a thousand."""
    monkeypatch.setattr(projects, "MAX_SERIES", 2)


def names(recorder: Recorder, project: str = "shop") -> list[Any]:
    return [
        name
        for (name,) in recorder.query(
            "select series.name from history.series join history.project on project.id = project_id"
            f" where project.name = '{project}' order by series.id"
        )
    ]


def test_a_series_is_made_once(recorder: Recorder) -> None:
    """By its first report, in each project."""
    for project in ("shop", "bank", "shop"):
        assert recorder.record(case("passed"), series="unit", project=project).series == "unit"
    assert (names(recorder), names(recorder, "bank")) == (["unit"], ["unit"])


@pytest.mark.usefixtures("two_at_most")
def test_a_project_with_too_many_has_one_for_all_others(recorder: Recorder) -> None:
    """Those that it had go on, and other projects notice nothing."""
    made = [recorder.record(case("passed"), series=name).series for name in ("a", "b", "c", "d", "a")]
    assert made == ["a", "b", ALL_OTHERS, ALL_OTHERS, "a"]
    assert names(recorder) == ["a", "b", ALL_OTHERS]
    assert recorder.record(case("passed"), series="c", project="bank").series == "c"


@pytest.mark.usefixtures("two_at_most")
def test_a_project_with_too_many_is_told(aws: Aws, function: Function) -> None:
    """In the event and in the log, which says what to do."""
    for name in ("a", "b", "c"):
        assert function.invoke(message(aws.upload(f"shop/{name}.xml"))) == []
    assert [event["detail"]["run"]["series"] for event in aws.events()] == ["a.xml", "b.xml", ALL_OTHERS]
    [warning] = [entry for entry in function.log_entries if entry["level"] == "WARNING"]
    assert warning["message"] == "Project has too many series: name the job in tap-job"


def test_two_reports_that_make_a_series_at_once_share_it(postgres: Postgres) -> None:
    """The second waits for the first."""
    with postgres.connect() as one, postgres.connect() as other, ThreadPoolExecutor() as threads:
        other.execute("set application_name = 'tap-ingest'")
        project = project_of(one, "shop")
        with one.transaction():
            first = series_of(one, project, "unit")
            second = threads.submit(series_of, other, project, "unit")
            wait_for_a_lock(postgres, second)
        assert second.result() == first
