"""What pages say of a history is what a plain recomputation says, in whatever order its reports came."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.handler.helpers import plain_history
from tests.handler.helpers.plain_history import BAD, PlainRun
from tests.handler.helpers.recorder import Recorder, ago, case
from tests.handler.helpers.results import Results

STATUSES = ("passed", "passed", "passed", "skipped", "flaky", "failed", "failed", "error")
RUNS = 40


class Made:
    """A history that was made up at random, and recorded in another order than it happened in."""

    def __init__(self, results: Results, recorder: Recorder, seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311 - the same at each call
        self.runs: list[PlainRun] = []
        for _ in range(RUNS):
            days_ago = chance.choice([*range(1, 20), 35, 36, 37]) + chance.randrange(24) / 32
            named: dict[str, Any] = {
                "series": chance.choice(["linux", "linux", "windows"]),
                "branch": chance.choice(["main", "main", "feature", "trunk", None]),
                "commit": chance.choice(["c1", "c2", "c3", None]),
                "main_branch": chance.choice([None, None, None, None, "trunk"]),
            }
            of_run = {f"test {n}": chance.choice(STATUSES) for n in range(6) if chance.random() < 0.8}
            recorded = recorder.record(
                *(case(status, name) for name, status in of_run.items()), days_ago=days_ago, build_url=None, **named
            )
            self.runs.append(
                PlainRun(
                    id=recorded.id,
                    key="",
                    uploaded_at=ago(days_ago),
                    results={name: (status, None) for name, status in of_run.items()},
                    **named,
                )
            )
        self.runs = plain_history.in_order(self.runs)
        self.results = results
        self.names = {test_id: name for name, test_id in recorder.test_ids().items()}

    def before(self, run: PlainRun, *, branch: str | None, other_than: str | None = None) -> PlainRun | None:
        """The latest of the same series before it on this branch, of another commit than this one."""
        found = [
            each
            for each in self.runs
            if each.place < run.place and (each.series, each.branch) == (run.series, branch)
            if other_than is None or each.commit != other_than
        ]
        return found[-1] if found else None


@pytest.fixture(params=range(3))
def made(request: pytest.FixtureRequest, results: Results, recorder: Recorder) -> Made:
    return Made(results, recorder, request.param)


def test_every_page_says_what_a_plain_recomputation_says(made: Made) -> None:
    """One test, since to make up a history takes longer than to look at it."""
    for check in (_runs, _tests, _results, _project, _builds, _list_of_runs):
        check(made)


def changes(made: Made, comparison: Any) -> dict[str, tuple[Any, ...]]:
    return {
        made.names[test["test_id"]]: (test["change"], test["status"], test["base_status"])
        for test in comparison["tests"]
    }


def expected(run: PlainRun, base: PlainRun) -> dict[str, tuple[Any, ...]]:
    return {name: change for (name,), change in plain_history.changes(run, base).items()}


def totals(runs: Sequence[PlainRun]) -> dict[str, int]:
    counts = Counter(status for run in runs for status, _ in run.results.values())
    outcomes = ("passed", "failed", "error", "skipped", "flaky")
    return {"tests": counts.total(), **{status: counts[status] for status in outcomes}}


def _runs(made: Made) -> None:
    main = plain_history.main_branch(made.runs)
    for run in made.runs:
        page = made.results.data(f"/runs/{run.id}")
        same = [each for each in made.runs if (each.branch, each.series) == (run.branch, run.series)]
        place = same.index(run)
        assert (page["previous"] and page["previous"]["id"]) == (str(same[place - 1].id) if place else None)
        assert (page["next"] and page["next"]["id"]) == (str(same[place + 1].id) if run != same[-1] else None)
        assert {name: page["run"][name] for name in totals([run])} == totals([run])

        bases = {
            "previous": same[place - 1] if place else None,
            "main": made.before(run, branch=main) if main not in (None, run.branch) else None,
        }
        found = {each["against"]: each for each in page["comparisons"]}
        assert set(found) == {against for against, base in bases.items() if base}
        for against, comparison in found.items():
            base = bases[against]
            assert base is not None
            assert comparison["base"]["id"] == str(base.id)
            assert changes(made, comparison) == expected(run, base)
            counts = Counter(change for change, *_ in expected(run, base).values())
            assert {name: count for name, count in comparison["counts"].items() if count} == counts

        failed = {made.names[test["test_id"]]: test for failure in page["failures"] for test in failure["tests"]}
        assert set(failed) == {name for name, (status, _) in run.results.items() if status in BAD}
        previous = bases["previous"]
        for name, test in failed.items():
            assert test["statuses"] == [each.status(name) for each in same[: place + 1]]
            assert test["is_new"] == (previous and previous.status(name) not in BAD)
        listed = {made.names[test["test_id"]]: (test["status"], None) for test in page["tests"]}
        assert listed == run.results


def _tests(made: Made) -> None:
    now = datetime.now(UTC)
    failing = plain_history.failing(made.runs, now)
    for test_id, name in made.names.items():
        page = made.results.data(f"/tests/{test_id}")
        ran = [run for run in reversed(made.runs) if run.status(name)]
        assert [(run["id"], run["status"]) for run in page["runs"]] == [(str(r.id), r.status(name)) for r in ran]
        found = {
            (each["branch"], each["series"], name): (
                datetime.fromisoformat(each["failing_since"]),
                each["first_failing_run_id"],
                each["first_failing_commit"],
                each["runs"],
                each["last_passed_at"] and datetime.fromisoformat(each["last_passed_at"]),
            )
            for each in page["failing_on"]
        }
        assert found == {
            key: (since, str(run_id), *rest) for key, (since, run_id, *rest) in failing.items() if key[2] == name
        }


def _results(made: Made) -> None:
    ids = {name: test_id for test_id, name in made.names.items()}
    for run in made.runs[::3]:
        same = [each for each in made.runs if (each.branch, each.series) == (run.branch, run.series)]
        same = [each for each in same if each.place <= run.place]
        for name, (status, _) in run.results.items():
            page = made.results.data(f"/runs/{run.id}/tests/{ids[name]}")
            statuses = [each.status(name) for each in same]
            assert (page["result"]["status"], page["statuses"]) == (status, statuses)
            ran = [each for each in same if each.status(name) not in (None, "skipped")]
            good = [place for place, each in enumerate(ran) if each.status(name) not in BAD]
            streak = ran[good[-1] + 1 if good else 0 :]
            assert (page["since"] and page["since"]["id"]) == (str(streak[0].id) if streak else None)


def _project(made: Made) -> None:
    [project] = made.results.data("")["projects"]
    page = made.results.data("/project", project="shop")
    now = datetime.now(UTC)
    branch, *_, flaky, _, _ = plain_history.summary(made.runs, now)
    # In however many jobs it does.
    failing = len({name for of_branch, _, name in plain_history.failing(made.runs, now) if of_branch == branch})
    assert (project["main_branch"], project["failing_tests"], project["flaky_tests"]) == (branch, failing, flaky)
    assert (page["main_branch"], page["failing_tests"]) == (branch, failing)
    on_main = [run for run in made.runs if run.branch == branch]
    builds: dict[object, dict[str, PlainRun]] = {}
    for run in on_main:
        of_build = builds.pop(run.commit or run.id, {})
        # It is as late as the last of its reports.
        builds[run.commit or run.id] = {**of_build, run.series: run}
    trend = [{"runs": len(of_series), **totals([*of_series.values()])} for of_series in builds.values()]
    for shown in (project["trend"], page["trend"]):
        assert [{name: build[name] for name in trend[0]} for build in shown] == trend


def _builds(made: Made) -> None:
    for commit in {run.commit for run in made.runs if run.commit}:
        of_series: dict[str, PlainRun] = {}
        for run in made.runs:
            if run.commit == commit:
                of_series[run.series] = run
        page = made.results.data("/builds", project="shop", commit=commit)
        assert page["totals"] == totals([*of_series.values()])
        for report in page["reports"]:
            run = of_series[report["run"]["series"]]
            assert report["run"]["id"] == str(run.id)
            base = made.before(run, branch=run.branch, other_than=commit)
            assert (report["comparison"] is None) == (base is None)
            if base:
                assert report["comparison"]["base"]["id"] == str(base.id)
                assert changes(made, report["comparison"]) == expected(run, base)


def _list_of_runs(made: Made) -> None:
    for branch in {run.branch for run in made.runs if run.branch}:
        for outcome in (None, "failed", "passed"):
            wanted = [
                str(run.id)
                for run in reversed(made.runs)
                if run.branch == branch
                and (outcome is None or any(s in BAD for s, _ in run.results.values()) == (outcome == "failed"))
            ]
            found = made.results.data("/runs", project="shop", branch=branch, outcome=outcome)["runs"]
            assert [run["id"] for run in found] == wanted
