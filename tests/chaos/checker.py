"""What has to hold once all faults are over: each upload has one effect in the database, and at least one event.

It judges from outside: by what was sent, by tables and views, by the events that arrived, and by what the queues still
hold. docs/ingesting.md and docs/history.md say what each of them means. None of the function's code is used.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum, auto
from typing import Any, Literal, NamedTuple
from urllib.parse import unquote_plus
from uuid import UUID

from psycopg import Connection
from psycopg.rows import dict_row

from tests.handler.helpers import plain_history
from tests.handler.helpers.plain_history import Answer, PlainRun

STATUSES = ("passed", "failed", "error", "skipped", "flaky")
TOTALS = ("tests", *STATUSES)

# The series that reports go on when their project has as many as it may.
_ALL_OTHERS, _MOST_SERIES = "*", 1_000
# That a view shows of a project, or of a branch and series.
_MOST_TESTS = 200
# An upload is judged as expired or not at the beginning of an invocation, and recorded before its end.
_LONGEST_INVOCATION = timedelta(minutes=15)

Row = dict[str, Any]


class Kind(StrEnum):
    """What may be wrong with an upload, or with what is said of all of them."""

    lost = auto()
    """No effect, or half of one, though no message of it is left."""
    doubled = auto()
    """More than one effect: two rows, two runs, or results that count twice."""
    invented = auto()
    """An effect of something that was not uploaded."""
    wrong_record = auto()
    """The row says something else than the upload."""
    wrong_totals = auto()
    """The run has other totals than the report."""
    wrong_history = auto()
    """A view says something else than a plain recomputation from all uploads."""
    missing_event = auto()
    """No event arrived, though no message is left, or though it is marked as sent."""
    event_without_effect = auto()
    """An event arrived of what is not recorded."""
    event_ids = auto()
    """Events of one upload that are not repeats of each other: by their ids, or by what they say."""
    wrong_event = auto()
    """The event says something else than the upload."""
    unsent = auto()
    """The event arrived, and yet stands in the outbox to be sent, though no message is left that would see to it."""
    dead_letter = auto()
    """A message came back to the dead-letter queue, from which it was redriven when nothing failed any more."""
    waiting = auto()
    """A message is still in the queue."""


class Violation(NamedTuple):
    """`subject`: the upload, the view or the message."""

    kind: Kind
    subject: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.subject}: {self.text}"


class Identity(NamedTuple):
    """One version of one object."""

    bucket: str
    key: str
    version_id: str

    def __str__(self) -> str:
        return f"{self.bucket}/{self.key}@{self.version_id}"


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One upload, and what has to come of it.

    `uploaded_at`: as S3's notification says it, in milliseconds. `results`: of a report, the status of each test and
    how long it took, in seconds: eighths, whose sums are exact, or None. A test is known by its name, so a project has
    none of the same name in two classes or files. `error_code`: that of a report that cannot be read.
    """

    bucket: str
    key: str
    version_id: str
    uploaded_at: datetime
    kind: Literal["junit", "artifact"]
    project: str
    series: str
    branch: str | None = None
    commit: str | None = None
    build_url: str | None = None
    main_branch: str | None = None
    error_code: str | None = None
    results: Mapping[str, tuple[str, float | None]] = field(default_factory=dict, repr=False)

    @property
    def identity(self) -> Identity:
        return Identity(self.bucket, self.key, self.version_id)

    @property
    def totals(self) -> dict[str, int]:
        counts = Counter(status for status, _ in self.results.values())
        return {"tests": len(self.results), **{status: counts[status] for status in STATUSES}}


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What came out besides the database, when nothing is under way any more.

    `events`: all that arrived at the consumer, of whatever type, in any order. `dead_letters` and `waiting`: the bodies
    of the messages that are in the dead-letter queue, and still in the queue. `redriven`: whether the dead letters were
    sent once more, without any fault; then none may be left.
    """

    events: Sequence[Mapping[str, Any]]
    dead_letters: Sequence[str] = ()
    waiting: Sequence[str] = ()
    redriven: bool = False


def violations(
    sent: Sequence[Sent], seen: Seen, connection: Connection[Any], *, retention: timedelta, noise: Sequence[str] = ()
) -> list[Violation]:
    """All that is wrong, of one moment.

    `retention`: after which the function takes a report for expired. `noise`: the bodies of messages that were sent and
    are no notifications.
    """
    with connection.transaction():
        connection.execute("set local timezone = 'UTC'")
        recorded = _Recorded.read(connection)
        left = {identity for body in (*seen.dead_letters, *seen.waiting) for identity in _uploads_of(body) or ()}
        events = _by_upload(seen.events)
        found = [*_messages(seen), *_noise(noise, seen, connection), *_others(sent, recorded, events)]
        found += _further_events(seen.events, recorded, left)
        runs: list[_Run] = []
        for upload in sent:
            if rows := recorded.uploads.get(upload.identity):
                found += _effect(upload, rows, recorded, retention)
                found += _announcement(
                    upload, rows[0], events.get(upload.identity, []), is_left=upload.identity in left
                )
                runs += _runs(upload, rows[0], recorded)
            elif upload.identity not in left:
                found.append(Violation(Kind.lost, str(upload.identity), "nothing is recorded, and no message is left"))
        found += _changes(runs, seen.events, recorded)
        found += _history(connection, _by_project(runs))
        return found


@dataclass(frozen=True, kw_only=True)
class _Recorded:
    """What the database says of uploads and their runs: the rows of each."""

    uploads: Mapping[Identity, Sequence[Row]]
    runs: Mapping[UUID, Sequence[Row]]
    # All events that were left to be sent, by their ids.
    outbox: Mapping[str, Row]
    # Those that have as many series as they may.
    full_projects: set[str]

    @classmethod
    def read(cls, connection: Connection[Any]) -> _Recorded:
        uploads: dict[Identity, list[Row]] = defaultdict(list)
        runs: dict[UUID, list[Row]] = defaultdict(list)
        series: dict[str, set[str]] = defaultdict(set)
        with connection.cursor(row_factory=dict_row) as cursor:
            outbox = {str(row["event_id"]): row for row in cursor.execute("select * from outbox")}
            for row in cursor.execute("select upload.*, sent_at from upload left join outbox using (event_id)"):
                uploads[Identity(row["bucket"], row["key"], row["version_id"])].append(row)
            for row in cursor.execute("select * from run_summary"):
                runs[row["id"]].append(row)
                series[row["project"]].add(row["series"])
        return cls(
            uploads=uploads,
            runs=runs,
            outbox=outbox,
            full_projects={project for project, names in series.items() if len(names) >= _MOST_SERIES},
        )


def _messages(seen: Seen) -> Iterator[Violation]:
    for body in seen.waiting:
        yield Violation(Kind.waiting, _shown(body), "it was neither done nor given up")
    for body in seen.dead_letters if seen.redriven else ():
        yield Violation(Kind.dead_letter, _shown(body), "it is there again although nothing failed")


def _noise(noise: Sequence[str], seen: Seen, connection: Connection[Any]) -> Iterator[Violation]:
    there = {body for (body,) in connection.execute("select body from invalid_message")}
    for body in noise:
        if body not in {*there, *seen.dead_letters, *seen.waiting}:
            yield Violation(Kind.lost, _shown(body), "it is not set aside, and no message is left")
    for body in there - set(noise):
        yield Violation(Kind.invented, _shown(body), "it is set aside, and was not sent")


def _others(
    sent: Sequence[Sent], recorded: _Recorded, events: Mapping[Identity, Sequence[Mapping[str, Any]]]
) -> Iterator[Violation]:
    """What there is of uploads that were never made, or not recorded."""
    known = {upload.identity for upload in sent}
    for identity in recorded.uploads:
        if identity not in known:
            yield Violation(Kind.invented, str(identity), "it is recorded, and was not uploaded")
    for identity in events:
        if identity not in recorded.uploads:
            yield Violation(Kind.event_without_effect, str(identity), "it is announced, and not recorded")
    identities: dict[str, set[Identity]] = defaultdict(set)
    for identity, its_events in events.items():
        for event in its_events:
            identities[event["event_id"]].add(identity)
    for event_id, of in identities.items():
        if len(of) > 1:
            yield Violation(Kind.event_ids, event_id, f"it is the id of several uploads: {', '.join(map(str, of))}")


def _effect(upload: Sent, rows: Sequence[Row], recorded: _Recorded, retention: timedelta) -> Iterator[Violation]:
    subject, row = str(upload.identity), rows[0]
    if len(rows) > 1:
        yield Violation(Kind.doubled, subject, f"it is recorded {len(rows)} times")
    expected: Row = {
        "kind": upload.kind,
        "project": upload.project,
        "branch": upload.branch,
        "commit": upload.commit,
        "build_url": upload.build_url,
        "uploaded_at": upload.uploaded_at,
        "status": "error" if _error_code(upload, row) else "success",
        "error_code": _error_code(upload, row),
    }
    yield from _differences(Kind.wrong_record, subject, row, expected)
    age = row["processed_at"] - upload.uploaded_at
    if row["is_expired"] and (upload.kind == "artifact" or age <= retention):
        yield Violation(Kind.wrong_record, subject, f"it is taken for expired after {age}")
    if not row["is_expired"] and upload.kind == "junit" and age > retention + _LONGEST_INVOCATION:
        yield Violation(Kind.wrong_record, subject, f"it is not taken for expired after {age}")
    runs = recorded.runs.get(row["event_id"], [])
    if not _has_run(upload, row):
        if runs:
            yield Violation(Kind.wrong_record, subject, "it has a run, and is no report that was read")
        return
    if not runs:
        yield Violation(Kind.lost, subject, "its run is not recorded")
        return
    if len(runs) > 1:
        yield Violation(Kind.doubled, subject, f"it has {len(runs)} runs")
    series = runs[0]["series"]
    if series != upload.series and not (series == _ALL_OTHERS and upload.project in recorded.full_projects):
        yield Violation(Kind.wrong_record, subject, f"its series is {series!r}, and not {upload.series!r}")
    totals = {name: runs[0][name] for name in TOTALS}
    if totals != upload.totals:
        is_double = totals == {name: 2 * count for name, count in upload.totals.items()}
        kind = Kind.doubled if is_double else Kind.wrong_totals
        yield Violation(kind, subject, f"the run counts {totals}, and the report {upload.totals}")


def _announcement(upload: Sent, row: Row, events: Sequence[Mapping[str, Any]], *, is_left: bool) -> Iterator[Violation]:
    """`is_left`: whether a message of the upload is left that may still announce it."""
    subject = str(upload.identity)
    if not events:
        if row["sent_at"]:
            yield Violation(Kind.missing_event, subject, "no event arrived, and it is marked as sent")
        elif not is_left:
            yield Violation(Kind.missing_event, subject, "no event arrived, and no message is left to send it")
        return
    if not row["sent_at"] and not is_left:
        yield Violation(Kind.unsent, subject, "its event arrived, and is not marked as sent")
    ids = {event["event_id"] for event in events}
    if ids != {str(row["event_id"])}:
        yield Violation(
            Kind.event_ids, subject, f"its events have the ids {sorted(ids)}, and the row {row['event_id']}"
        )
    elif any(event != events[0] for event in events):
        yield Violation(Kind.event_ids, subject, f"its events do not say the same: {events}")
    said = dict(events[0])
    said["error's code"] = (said.get("error") or {}).get("code")
    expected: Row = {
        "status": "error" if _error_code(upload, row) else "success",
        "kind": upload.kind,
        "project": upload.project,
        "branch": upload.branch,
        "commit": upload.commit,
        "build_url": upload.build_url,
        "expired": True if row["is_expired"] else None,
        "error's code": _error_code(upload, row),
    }
    if _has_run(upload, row):
        run = said.get("run") or {}
        said |= {"run's id": run.get("id"), "run's totals": run.get("totals")}
        expected |= {"run's id": str(row["event_id"]), "run's totals": upload.totals}
    else:
        expected["run"] = None
    yield from _differences(Kind.wrong_event, subject, said, expected)


def _differences(kind: Kind, subject: str, said: Row, expected: Row) -> Iterator[Violation]:
    for name, value in expected.items():
        if said.get(name) != value:
            yield Violation(kind, subject, f"{name} is {said.get(name)!r}, and not {value!r}")


def _error_code(upload: Sent, row: Row) -> str | None:
    """That which the upload has to be recorded with: what is expired is not read."""
    return None if row["is_expired"] else upload.error_code


def _has_run(upload: Sent, row: Row) -> bool:
    return upload.kind == "junit" and not upload.error_code and not row["is_expired"]


class _Run(NamedTuple):
    """A run as it has to stand in the history, and the row of its upload."""

    plain: PlainRun
    upload: Sent
    row: Row

    @property
    def series(self) -> tuple[str, str | None, str]:
        return self.upload.project, self.plain.branch, self.plain.series


def _runs(upload: Sent, row: Row, recorded: _Recorded) -> Iterator[_Run]:
    if _has_run(upload, row) and (runs := recorded.runs.get(row["event_id"])):
        plain = PlainRun(
            id=row["event_id"],
            key=upload.key,
            series=runs[0]["series"],
            branch=upload.branch,
            commit=upload.commit,
            main_branch=upload.main_branch,
            uploaded_at=upload.uploaded_at.astimezone(UTC),
            results=dict(upload.results),
        )
        yield _Run(plain, upload, row)


def _by_project(runs: Iterable[_Run]) -> dict[str, list[_Run]]:
    found: dict[str, list[_Run]] = defaultdict(list)
    for run in runs:
        found[run.upload.project].append(run)
    return found


def _further_events(
    events: Iterable[Mapping[str, Any]], recorded: _Recorded, left: set[Identity]
) -> Iterator[Violation]:
    """All but those that announce uploads first: they arrived as they were left to be sent."""
    arrived: dict[str, list[Any]] = defaultdict(list)
    for event in events:
        if not _announces_first(event):
            arrived[event["detail"]["event_id"]].append(event["detail"])
    for event_id, details in arrived.items():
        row = recorded.outbox.get(event_id)
        if row is None:
            yield Violation(Kind.event_without_effect, event_id, "it arrived, and was not left to be sent")
        elif any(detail != row["detail"] for detail in details):
            yield Violation(Kind.event_ids, event_id, f"it was left as {row['detail']}, and arrived as {details}")
    is_left = {row["event_id"]: identity in left for identity, rows in recorded.uploads.items() for row in rows}
    for event_id, row in recorded.outbox.items():
        if row["event_id"] == row["upload_id"] or (is_left[row["upload_id"]] and not row["sent_at"]):
            continue
        if event_id not in arrived:
            yield Violation(Kind.missing_event, event_id, f"no such event arrived: {row['detail_type']}")
        elif not row["sent_at"]:
            yield Violation(Kind.unsent, event_id, "it arrived, and is not marked as sent")


def _announces_first(event: Mapping[str, Any]) -> bool:
    return event["detail-type"] == "S3 Object Processed" and "replaces" not in event["detail"]


# What an event says of tests, and what the recomputation calls it.
_CHANGES = {"newly_failing": "newly failing", "fixed": "fixed", "still_failing": "still failing"}
# That it names of each kind.
_MOST_NAMED = 10


def _changes(runs: Sequence[_Run], events: Iterable[Mapping[str, Any]], recorded: _Recorded) -> Iterator[Violation]:
    """What runs had to announce of what they broke and fixed, and what they announced."""
    told: dict[str, list[Any]] = defaultdict(list)
    for event in events:
        if event["detail-type"] == "Test Failures Changed":
            told[event["detail"]["run"]["id"]].append(event["detail"])
    read_again = {row["upload_id"] for row in recorded.outbox.values() if "replaces" in row["detail"]}
    left = {row["upload_id"] for row in recorded.outbox.values() if row["detail_type"] == "Test Failures Changed"}
    by_series: dict[tuple[str, str | None, str], list[_Run]] = defaultdict(list)
    for run in runs:
        by_series[run.series].append(run)
    for run in runs:
        bases, is_certain = _bases(run, by_series[run.series], read_again)
        its_events = told.pop(str(run.plain.id), [])
        subject = str(run.upload.identity)
        if len({event["event_id"] for event in its_events if "replaces" not in event}) > 1:
            yield Violation(Kind.event_ids, subject, "what it broke and fixed is announced under several ids")
        for event in its_events:
            base = next((base for base in bases if str(base.plain.id) == event["previous_run"]["id"]), None)
            if base is None:
                yield Violation(Kind.wrong_event, subject, f"it is held against {event['previous_run']}")
            else:
                yield from _differences(Kind.wrong_event, subject, _told(event), _to_be_told(run, base))
        is_due = is_certain and any(_changes_failures(run, base) for base in bases)
        if is_due and not its_events and run.plain.id not in left:
            yield Violation(Kind.missing_event, subject, f"it broke or fixed tests since {bases[0].upload.identity}")
    for run_id in told:
        yield Violation(Kind.event_without_effect, run_id, "what it broke and fixed is announced, and it is not there")


def _bases(run: _Run, series: Sequence[_Run], read_again: set[UUID]) -> tuple[list[_Run], bool]:
    """Those of its series that it may have been held against, and whether there is no doubt: then one, or none."""

    def is_before(one: _Run, other: _Run) -> bool:
        # Of what was read again, nobody knows when that was done first.
        sent_at = one.row["sent_at"]
        return sent_at is not None and other.plain.id not in read_again and sent_at < other.row["processed_at"]

    if run.plain.series == _ALL_OTHERS:
        return [], True
    same = [other for other in series if other is not run]
    if run.plain.id in read_again or not all(is_before(other, run) or is_before(run, other) for other in same):
        return [other for other in same if other.plain.place < run.plain.place], False
    latest = max((other for other in same if is_before(other, run)), key=lambda it: it.plain.place, default=None)
    return [latest] if latest and latest.plain.place < run.plain.place else [], True


def _changes_failures(run: _Run, base: _Run) -> bool:
    changes = {change for change, _, _ in plain_history.changes(run.plain, base.plain).values()}
    return bool(changes & {"newly failing", "fixed"})


def _told(event: Mapping[str, Any]) -> Row:
    """What the event says, without what is written for people."""
    tests = {kind: (event[kind]["count"], {test["name"] for test in event[kind]["tests"]}) for kind in _CHANGES}
    return {**event, **tests}


def _to_be_told(run: _Run, base: _Run) -> Row:
    changes = plain_history.changes(run.plain, base.plain)
    names = {
        kind: {name for (name,), (change, _, _) in changes.items() if change == _CHANGES[kind]} for kind in _CHANGES
    }
    few = {kind: (len(of_kind), of_kind) for kind, of_kind in names.items() if len(of_kind) <= _MOST_NAMED}
    return {
        "project": run.upload.project,
        "branch": run.plain.branch,
        "series": run.plain.series,
        "commit": run.plain.commit,
        "build_url": run.upload.build_url,
        "run": {"id": str(run.plain.id), "totals": run.upload.totals},
        "previous_run": {"id": str(base.plain.id), "commit": base.plain.commit},
        **few,
    }


# Of each view: what a row is of, within its project, and what it says.
_NAMED = "join (select id as named_id, name from test) as named on named_id = test_id"
_VIEWS = {
    "failing_tests": (
        "branch, series, name",
        "failing_since, first_failing_run_id, first_failing_commit, runs, last_passed_at",
    ),
    "flaky_tests": ("name", "commits, reruns, last_seen_at"),
    "flipping_tests": ("branch, series, name", "runs, flips, flip_rate"),
    "slowest_tests": ("name", "runs, mean_seconds, p95_seconds"),
    "slower_tests": ("name", "runs, mean_seconds, runs_before, mean_seconds_before"),
    "run_change join test on id = test_id": ("run_id, base_run_id, name", "change, status, base_status"),
    f"test_history {_NAMED}": ("run_id, name", "status, duration_seconds"),
    "branch_grid": ("branch, series, name", "run_ids, statuses::text[]"),
    "build_summary": (
        "commit, build_url",
        f"branch, first_uploaded_at, last_uploaded_at, reports, {', '.join(TOTALS)}",
    ),
    "project_summary": (
        "project",
        "main_branch, last_run_id, last_uploaded_at, tests, failing_tests, flaky_tests, trend_tests, trend_failed",
    ),
    "test": ("name", "1"),
}


def _history(connection: Connection[Any], runs: Mapping[str, Sequence[_Run]]) -> Iterator[Violation]:
    """Where the views say something else than a recomputation from these runs of each project."""
    [(now,)] = connection.execute("select now()")
    expected = {project: _recomputed(project, its_runs, now) for project, its_runs in runs.items() if its_runs}
    for source, (key, values) in _VIEWS.items():
        view = source.split()[0]
        said: dict[str, Answer] = defaultdict(dict)
        rows = connection.execute(f"select project, {key}, {values} from {source}".encode()).fetchall()
        width = 1 + len(key.split(","))
        for project, *row in rows:
            of = tuple(row[: width - 1])
            if of in said[project]:
                yield Violation(Kind.doubled, f"{view} of {project}", f"{of} is there twice")
            said[project][of] = tuple(row[width - 1 :])
        for project in {**expected, **said}:
            should_say = expected[project][view] if project in expected else {}
            yield from _compared(f"{view} of {project}", said[project], should_say, is_cut=view in _CUT)


# Views that show the most important tests alone, when there are many.
_CUT = {"slowest_tests", "branch_grid"}


def _compared(subject: str, said: Answer, expected: Answer, *, is_cut: bool) -> Iterator[Violation]:
    if is_cut:
        # Of a project, or of each of its branches and series.
        shown = Counter(of[:-1] for of in said)
        expected = {of: value for of, value in expected.items() if of in said or shown[of[:-1]] < _MOST_TESTS}
    for of in sorted({*said, *expected}, key=str):
        if said.get(of) != expected.get(of):
            yield Violation(Kind.wrong_history, subject, f"{of} is {said.get(of)}, and not {expected.get(of)}")


def _recomputed(project: str, runs: Sequence[_Run], now: datetime) -> dict[str, Answer]:
    plain = [run.plain for run in runs]
    return {
        "failing_tests": plain_history.failing(plain, now),
        "flaky_tests": plain_history.flaky(plain, now),
        "flipping_tests": plain_history.flipping(plain, now),
        "slowest_tests": plain_history.slowest(plain, now),
        "slower_tests": plain_history.slower(plain, now),
        "run_change": plain_history.run_changes(plain),
        "test_history": {(run.id, name): result for run in plain for name, result in run.results.items()},
        "branch_grid": plain_history.grid(plain),
        "build_summary": _builds(runs),
        "project_summary": {(project,): plain_history.summary(plain, now)},
        "test": {(name,): (1,) for run in plain for name in run.results},
    }


def _builds(runs: Iterable[_Run]) -> Answer:
    """By commit and build URL: the sum of its reports, of each series the latest."""
    builds: dict[tuple[str | None, str | None], dict[str, _Run]] = defaultdict(dict)
    # Of two of one moment, the one with the lower id.
    for run in sorted(runs, key=lambda run: (run.plain.uploaded_at, -run.plain.id.int)):
        if run.plain.commit is not None or run.upload.build_url is not None:
            builds[run.plain.commit, run.upload.build_url][run.plain.series] = run
    found: Answer = {}
    for build, of_series in builds.items():
        latest = list(of_series.values())
        times = [run.plain.uploaded_at for run in latest]
        branch = min((run.plain.branch for run in latest if run.plain.branch is not None), default=None)
        totals = (sum(run.upload.totals[name] for run in latest) for name in TOTALS)
        found[build] = (branch, min(times), max(times), len(latest), *totals)
    return found


def _by_upload(events: Iterable[Mapping[str, Any]]) -> Mapping[Identity, Sequence[Mapping[str, Any]]]:
    """The details of those that announce uploads first."""
    found: dict[Identity, list[Mapping[str, Any]]] = defaultdict(list)
    for event in filter(_announces_first, events):
        detail = event["detail"]
        found[Identity(detail["bucket"], detail["key"], detail["version_id"])].append(detail)
    return found


def _uploads_of(body: str) -> list[Identity] | None:
    """Those that a message of S3 announces; None if it is none. The key is encoded as in a form."""
    try:
        records = json.loads(body)["Records"]
        return [
            Identity(
                record["s3"]["bucket"]["name"],
                unquote_plus(record["s3"]["object"]["key"]),
                record["s3"]["object"]["versionId"],
            )
            for record in records
        ]
    except (ValueError, KeyError, TypeError):
        return None


def _shown(body: str) -> str:
    return ", ".join(map(str, _uploads_of(body) or [])) or body[:100]
