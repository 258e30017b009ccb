"""What fails now, and since when."""

from __future__ import annotations

from typing import Any

import pytest

from handler.recording import removal
from handler.showing import failing
from handler.showing.failing import Breakage
from handler.showing.reading import NotRecorded
from tests.handler.helpers.pages import Pages
from tests.handler.helpers.recorder import Recorder, ago


def failed(name: str, message: str = "expected 7") -> str:
    return f'<testcase name="{name}"><failure type="AssertionError" message="{message}"/></testcase>'


def passed(name: str) -> str:
    return f'<testcase name="{name}"/>'


def told(breakage: Breakage) -> tuple[Any, ...]:
    return breakage.message, breakage.count, breakage.runs, [test.name for test in breakage.tests]


def test_what_broke_together_with_one_message_is_one_breakage(recorder: Recorder, pages: Pages) -> None:
    """Whatever numbers the message has; the latest breakage comes first."""
    recorder.record(passed("a"), passed("b"), passed("c"), commit="c1", days_ago=4)
    first = recorder.record(passed("a"), passed("b"), failed("c"), commit="c2", days_ago=3)
    second = recorder.record(failed("a", "at 0x7f1"), failed("b", "at 0x7f2"), failed("c"), commit="c3", days_ago=2)
    recorder.record(failed("a", "at 0x7f3"), failed("b", "at 0x7f4"), failed("c"), failed("d"), commit="c4", days_ago=1)
    page = pages.read("/failing")
    assert (page.project, page.failing_tests, page.known_projects, page.branches) == (None, 4, ["shop"], [])
    [project] = page.projects
    assert (project.project, project.failing_tests, project.failures, project.more) == ("shop", 4, 4, 0)
    assert [told(breakage) for breakage in project.breakages] == [
        ("expected 7", 1, 1, ["d"]),
        ("at 0x7f3", 2, 2, ["a", "b"]),
        ("expected 7", 1, 3, ["c"]),
    ]
    _, together, alone = project.breakages
    assert (together.type, together.status, together.branch) == ("AssertionError", "failed", "main")
    assert (together.first_failing_run_id, together.first_failing_commit) == (second.id, "c3")
    assert (together.failing_since, together.last_passed_at) == (ago(2), ago(3))
    assert (alone.first_failing_run_id, alone.failing_since, alone.last_passed_at) == (first.id, ago(3), ago(4))
    assert [(test.runs, test.status, test.last_passed_at) for test in alone.tests] == [(3, "failed", ago(4))]
    assert pages.text("/failing").startswith(
        "Failing tests 4 tests of one project fail on its main branch, 2 of them since commit c3, 2 days ago."
    )


def test_a_test_that_never_passed_says_so(recorder: Recorder, pages: Pages) -> None:
    recorder.record(failed("a"), commit=None)
    assert pages.read("/failing").projects[0].breakages[0].last_passed_at is None
    assert pages.text("/failing").startswith("Failing tests 1 test of one project fails on its main branch, since this")
    assert " never" in pages.text("/failing")


def test_an_error_is_another_breakage_than_a_failure(recorder: Recorder, pages: Pages) -> None:
    recorder.record(failed("a"), '<testcase name="b"><error type="AssertionError" message="expected 7"/></testcase>')
    assert [each.status for each in pages.read("/failing").projects[0].breakages] == ["failed", "error"]


def test_main_branches_come_first_and_others_when_asked_for(recorder: Recorder, pages: Pages) -> None:
    recorder.record(failed("a"), days_ago=3)
    recorder.record(failed("a"), failed("b"), branch="feature", days_ago=2)
    recorder.record(failed("c"), project="other", branch="feature", days_ago=1)

    def names(query: str) -> dict[str, list[tuple[str | None, str]]]:
        return {
            project.project: [(each.branch, test.name) for each in project.breakages for test in each.tests]
            for project in pages.read("/failing", query).projects
        }

    assert names("") == {"shop": [("main", "a")]}
    assert names("branch=feature") == {"other": [("feature", "c")], "shop": [("feature", "a"), ("feature", "b")]}
    assert names("branch=*") == {
        "other": [("feature", "c")],
        "shop": [("feature", "a"), ("feature", "b"), ("main", "a")],
    }
    assert names("project=other") == {}
    assert names("project=other&branch=*") == {"other": [("feature", "c")]}
    # A test that fails on two branches is one test.
    [_, shop] = pages.read("/failing", "branch=*").projects
    assert (shop.failing_tests, shop.failures, shop.more) == (2, 3, 0)
    page = pages.read("/failing", "project=shop")
    assert (page.project, page.main_branch, page.branches) == ("shop", "main", ["feature", "main"])


def test_of_all_projects_the_first_failures_are_shown(recorder: Recorder, pages: Pages) -> None:
    """And all of one."""
    recorder.record(*(failed(f"test {chr(97 + nth)}", f"broken {chr(97 + nth)}") for nth in range(12)))
    [project] = pages.read("/failing").projects
    assert (project.failing_tests, len(project.breakages), project.more) == (12, 8, 4)
    assert "and 4 more: all of shop" in pages.text("/failing")
    assert "at least 1 of them since" in pages.text("/failing")
    [project] = pages.read("/failing", "project=shop").projects
    assert (len(project.breakages), project.more) == (12, 0)


def test_with_very_many_failures_some_projects_are_only_counted(
    recorder: Recorder, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failing, "_IN_ALL", 1)
    recorder.record(failed("a"), days_ago=1)
    recorder.record(failed("b"), project="other", days_ago=2)
    assert [(each.project, len(each.breakages), each.more) for each in pages.read("/failing").projects] == [
        ("shop", 1, 0),
        ("other", 0, 1),
    ]
    assert pages.text("/failing").endswith(
        "other 1 test, the latest breakage first Grid of other and 1 more: all of other"
    )


def test_of_a_breakage_the_first_tests_are_named(recorder: Recorder, pages: Pages) -> None:
    recorder.record(*(failed(f"test {nth}") for nth in range(12)))
    [breakage] = pages.read("/failing").projects[0].breakages
    assert (breakage.count, len(breakage.tests)) == (12, 10)
    assert "and 2 more" in pages.text("/failing")


def test_what_did_not_run_for_thirty_days_is_forgotten(recorder: Recorder, pages: Pages) -> None:
    recorder.record(failed("a"), days_ago=31)
    assert pages.read("/failing").projects == []


def test_nothing_fails(recorder: Recorder, pages: Pages) -> None:
    """Each time the page says what to do next."""
    assert pages.text("/failing") == "Failing tests No report was read yet. How a report gets here"
    run = recorder.record(failed("a"), branch="feature")
    assert "No test fails on a main branch. What fails on any branch" in pages.text("/failing")
    assert "Nothing ran on a main branch of shop yet." in pages.text("/failing", "project=shop")
    assert "1 test fails on any branch" in pages.text("/failing", "project=shop&branch=*")
    recorder.record(passed("a"))
    assert "No test fails on main. What fails on any branch" in pages.text("/failing", "project=shop")
    assert "No test fails on release. What fails on any branch" in pages.text("/failing", "branch=release")
    with recorder.connection.transaction():
        removal.remove(recorder.connection, [run.id])
    assert pages.text("/failing", "branch=*").startswith("Failing tests No test fails on a branch. Project")
    with pytest.raises(NotRecorded, match="There is no project 'other'"):
        pages.read("/failing", "project=other")
