"""The answers about a history, computed from all of its runs at once, as the documentation words them.

Each answer is a row of values by a key, both of them tuples. A test is known by its name here. None of the function's
code or SQL is used.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

GOOD = ("passed", "flaky")
BAD = ("failed", "error")


@dataclass(frozen=True, kw_only=True)
class PlainRun:
    """One report: the status and the duration in seconds of each of its tests. `key` is that of the upload."""

    id: UUID
    key: str
    series: str
    branch: str | None
    commit: str | None
    main_branch: str | None
    uploaded_at: datetime
    results: dict[str, tuple[str, float | None]] = field(repr=False)

    @property
    def place(self) -> tuple[Any, ...]:
        """Where it stands in the history: a tie is broken by the id."""
        return self.uploaded_at, self.id.int & 0xFFFFF

    def status(self, name: str) -> str | None:
        return self.results[name][0] if name in self.results else None


Runs = Sequence[PlainRun]
Answer = dict[tuple[Any, ...], tuple[Any, ...]]


def in_order(runs: Iterable[PlainRun]) -> list[PlainRun]:
    return sorted(runs, key=lambda run: run.place)


def failing(runs: Runs, now: datetime) -> Answer:
    """By branch, series and test: since when, on which commit first, in how many runs, and when it passed last."""
    found: Answer = {}
    for key, outcomes in _outcomes(runs, lambda run: (run.branch, run.series)).items():
        passed = [place for place, (run, name) in enumerate(outcomes) if run.status(name) in GOOD]
        streak = [run for run, _ in outcomes[passed[-1] + 1 if passed else 0 :]]
        if streak and streak[-1].uploaded_at >= now - timedelta(days=30):
            last_passed_at = outcomes[passed[-1]][0].uploaded_at if passed else None
            found[key] = (streak[0].uploaded_at, streak[0].id, streak[0].commit, len(streak), last_passed_at)
    return found


def flaky(runs: Runs, now: datetime) -> Answer:
    """By test: on how many commits its outcome changed, in how many runs it needed a rerun, and when that was last."""
    recent = [run for run in runs if run.uploaded_at >= now - timedelta(days=30)]
    commits: dict[str, set[str | None]] = defaultdict(set)
    reruns: dict[str, int] = defaultdict(int)
    seen: dict[str, list[datetime]] = defaultdict(list)
    for (commit, _, name), outcomes in _outcomes(recent, lambda run: (run.commit, run.series)).items():
        bad = [run.uploaded_at for run, _ in outcomes if run.status(name) in BAD]
        if commit is not None and 0 < len(bad) < len(outcomes):
            commits[name].add(commit)
            seen[name] += bad
        rerun = [run.uploaded_at for run, _ in outcomes if run.status(name) == "flaky"]
        reruns[name] += len(rerun)
        seen[name] += rerun
    return {(name,): (len(commits[name]), reruns[name], max(times)) for name, times in seen.items() if times}


def flipping(runs: Runs, now: datetime) -> Answer:
    """By branch, series and test: in how many of the last 20 runs it came to something, and how often it changed."""
    latest: list[PlainRun] = []
    for same in _grouped(runs, lambda run: (run.branch, run.series)).values():
        latest += [run for run in same if run.uploaded_at >= now - timedelta(days=30)][-20:]
    found: Answer = {}
    for key, outcomes in _outcomes(latest, lambda run: (run.branch, run.series)).items():
        bad = [run.status(name) in BAD for run, name in outcomes]
        flips = sum(one != other for one, other in itertools.pairwise(bad))
        if flips:
            found[key] = (len(bad), flips, flips / (len(bad) - 1))
    return found


def slowest(runs: Runs, now: datetime) -> Answer:
    """By test: in how many runs it was measured, the mean and the 95th percentile, in seconds."""
    found: Answer = {}
    for name, seconds in _measured(runs, now, first=29, last=0).items():
        # The smallest value with at least 95 % of all up to it.
        found[name,] = (len(seconds), sum(seconds) / len(seconds), sorted(seconds)[-(-len(seconds) * 95 // 100) - 1])
    return found


def slower(runs: Runs, now: datetime) -> Answer:
    """By test: runs and mean of a week and of the 30 days before it."""
    recent, before = _measured(runs, now, first=6, last=0), _measured(runs, now, first=36, last=7)
    found: Answer = {}
    for name in recent.keys() & before.keys():
        means = [sum(seconds) / len(seconds) for seconds in (recent[name], before[name])]
        if min(len(recent[name]), len(before[name])) >= 5 and means[0] >= max(1.5 * means[1], means[1] + 0.1):
            found[name,] = (len(recent[name]), means[0], len(before[name]), means[1])
    return found


def changes(run: PlainRun, base: PlainRun) -> Answer:
    """By test: what is otherwise in the run than in the other one."""
    found: Answer = {}
    for name in run.results.keys() | base.results.keys():
        now, before = run.status(name), base.status(name)
        change = None
        if now in BAD:
            change = "still failing" if before in BAD else "newly failing"
        elif now is None:
            change = "vanished"
        elif before is None:
            change = "new"
        elif now in GOOD and before in BAD:
            change = "fixed"
        if change:
            found[name,] = (change, now, before)
    return found


def run_changes(runs: Runs) -> Answer:
    """By run and test, against the run before on the same branch and series."""
    found: Answer = {}
    for same in _grouped(runs, lambda run: (run.branch, run.series)).values():
        for base, run in itertools.pairwise(same):
            found.update({(run.id, base.id, *name): change for name, change in changes(run, base).items()})
    return found


def grid(runs: Runs) -> Answer:
    """By branch and series: the last 30 runs, and each test's statuses in them."""
    found: Answer = {}
    for key, same in _grouped(runs, lambda run: (run.branch, run.series)).items():
        latest = same[-30:]
        for name in {name for run in latest for name in run.results}:
            found[(*key, name)] = ([run.id for run in latest], [run.status(name) for run in latest])
    return found


def history(runs: Runs) -> Answer:
    """By run and test."""
    return {(run.id, name): (status,) for run in runs for name, (status, _) in run.results.items()}


def main_branch(runs: Runs) -> str | None:
    said = [run.main_branch for run in in_order(runs) if run.main_branch is not None][-1:]
    branches = {run.branch for run in runs}
    return next((name for name in [*said, "main", "master"] if name in branches), None)


def summary(runs: Runs, now: datetime) -> tuple[Any, ...]:
    """Main branch, its latest run; failing there, flaky anywhere; tests and failures of its last 30 runs."""
    branch = main_branch(runs)
    on_main = [run for run in in_order(runs) if branch is not None and run.branch == branch]
    last = on_main[-1] if on_main else None
    return (
        branch,
        last and last.id,
        last and last.uploaded_at,
        last and len(last.results),
        sum(key[0] == branch for key in failing(runs, now)) if branch is not None else 0,
        len(flaky(runs, now)),
        [len(run.results) for run in on_main[-30:]] or None,
        [sum(status in BAD for status, _ in run.results.values()) for run in on_main[-30:]] or None,
    )


def _grouped(runs: Runs, key: Callable[[PlainRun], tuple[Any, ...]]) -> dict[tuple[Any, ...], list[PlainRun]]:
    groups: dict[tuple[Any, ...], list[PlainRun]] = defaultdict(list)
    for run in in_order(runs):
        groups[key(run)].append(run)
    return groups


def _outcomes(
    runs: Runs, key: Callable[[PlainRun], tuple[Any, ...]]
) -> dict[tuple[Any, ...], list[tuple[PlainRun, str]]]:
    """By group and test, in the order of time: the runs in which it came to something, which being skipped is not."""
    outcomes: dict[tuple[Any, ...], list[tuple[PlainRun, str]]] = defaultdict(list)
    for group, same in _grouped(runs, key).items():
        for run in same:
            for name, (status, _) in run.results.items():
                if status != "skipped":
                    outcomes[(*group, name)].append((run, name))
    return outcomes


def _measured(runs: Runs, now: datetime, *, first: int, last: int) -> dict[str, list[float]]:
    """By test, its durations on these days: so many ago, counted from today."""
    found: dict[str, list[float]] = defaultdict(list)
    for run in runs:
        if last <= (now.date() - run.uploaded_at.date()).days <= first:
            for name, (status, seconds) in run.results.items():
                if status != "skipped" and seconds is not None:
                    found[name].append(seconds)
    return found
