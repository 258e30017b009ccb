"""The checker finds whatever is wrong, and nothing else: in what the function itself recorded, damaged in each way."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from local.emulator import Emulator
from tests.chaos import checker
from tests.chaos.checker import Kind, Seen, Sent, violations
from tests.handler.helpers.recorder import case
from tests.handler.helpers.surroundings import PASSWORD, VARIABLES, Aws, Function, Postgres, message
from tests.postgres import migrate, temporary_server

NOW = datetime.now(UTC).replace(microsecond=0)
RETENTION = timedelta(days=int(VARIABLES["OUTCOME_RETENTION"]))

PROCESSED, CHANGED = "S3 Object Processed", "Test Failures Changed"

Results = Mapping[str, tuple[str, float | None]]


@dataclass(frozen=True)
class Recorded:
    """What was sent, and what the function made of it: `events` are details, of uploads and of what runs changed."""

    connection: psycopg.Connection[Any]
    sent: list[Sent]
    events: list[dict[str, Any]]
    changes: list[dict[str, Any]]
    bodies: list[str]

    def of(self, key: str) -> int:
        """The place of an upload."""
        return next(nth for nth, upload in enumerate(self.sent) if upload.key == key)


def reports() -> Iterator[tuple[str, float, Results, dict[str, Any]]]:
    """The key of each, how many days ago it was uploaded, what it says, and what its metadata say; as they arrive."""
    on_main = {"branch": "main", "commit": "c1", "build_url": "https://ci.example/1"}
    passed: Results = {"adds": ("passed", 0.25), "pays": ("passed", 1.5), "ships": ("skipped", None)}
    yield "shop/1/unit.xml", 9, passed, on_main
    failed: Results = {**passed, "pays": ("failed", 2.0), "ships": ("flaky", 0.125)}
    yield "shop/3/unit.xml", 3, failed, {**on_main, "commit": "c3", "build_url": "https://ci.example/3"}
    # It comes late, and the failure is older than the run before said.
    yield "shop/2/unit.xml", 5, {**passed, "pays": ("error", None)}, {**on_main, "commit": "c2", "build_url": None}
    yield "shop/3/rerun/unit.xml", 2.5, {"pays": ("passed", 4.0)}, {**on_main, "branch": "fix", "commit": "c3"}
    yield "shop/3/ui.xml", 2.9, {"clicks": ("failed", 8.0)}, {**on_main, "commit": "c3", "main_branch": "trunk"}
    for nth in range(5):
        yield f"web/before/{nth}/unit.xml", 20 + nth, {"loads": ("passed", 0.5)}, {"branch": "master"}
        yield f"web/now/{nth}/unit.xml", nth / 8, {"loads": ("passed", 2.0)}, {"branch": None}


def uploads() -> Iterator[tuple[Sent, bytes]]:
    """All of them, and their contents. The version is not known yet."""
    for key, days, results, said in reports():
        cases = [
            case(status, name) if seconds is None else case(status, name, time=seconds)
            for name, (status, seconds) in results.items()
        ]
        yield made(key, days, results=results, **said), f"<testsuite>{''.join(cases)}</testsuite>".encode()
    yield made("shop/bad.xml", 0, error_code="not_xml"), b"?"
    yield made("shop/picture.png", 0, kind="artifact"), b"?"
    content = b"<testsuite><testcase name='adds'/></testsuite>"
    yield made("shop/old.xml", RETENTION.days + 1, results={"adds": ("passed", None)}), content


def made(key: str, days_ago: float, **said: Any) -> Sent:
    return Sent(
        **{"kind": "junit", **said},
        bucket="",
        version_id="",
        key=key,
        uploaded_at=NOW - timedelta(days=days_ago),
        project=key.partition("/")[0],
        series=key.rpartition("/")[2],
    )


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    with (
        Emulator(log=tmp_path_factory.mktemp("emulator") / "log") as emulator,
        temporary_server(password=PASSWORD) as server,
        pytest.MonkeyPatch.context() as environment,
    ):
        here = {"PGHOSTADDR": "127.0.0.1", "PGSSLROOTCERT": str(server.ca_file)}
        for name, value in {**emulator.environment(), **VARIABLES, **here}.items():
            environment.setenv(name, value)
        postgres = Postgres(server)
        with postgres.connect() as connection:
            migrate(connection)
            aws, function = Aws(emulator, postgres), Function()
            sent, messages = [], []
            for upload, content in uploads():
                record = aws.upload(upload.key, content, metadata(upload))
                record["eventTime"] = upload.uploaded_at.isoformat()
                version_id = record["s3"]["object"]["versionId"]
                sent.append(replace(upload, bucket=record["s3"]["bucket"]["name"], version_id=version_id))
                messages.append(message(record))
            # Delivered twice, as SQS may.
            assert function.invoke(*messages, *messages) == []
            function.restart()
            of_type: dict[str, list[Any]] = {PROCESSED: [], CHANGED: []}
            for event in aws.events():
                of_type[event["detail-type"]].append(event["detail"])
            bodies = [message["body"] for message in messages]
            yield Recorded(connection, sent, of_type[PROCESSED], of_type[CHANGED], bodies)


def metadata(upload: Sent) -> dict[str, str]:
    said = {
        "tap-branch": upload.branch,
        "tap-commit": upload.commit,
        "tap-build-url": upload.build_url,
        "tap-main-branch": upload.main_branch,
    }
    return {name: value for name, value in said.items() if value is not None}


def arrived(events: list[dict[str, Any]], changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As the consumer has them."""
    return [
        {"detail-type": detail_type, "detail": detail}
        for detail_type, details in ((PROCESSED, events), (CHANGED, changes))
        for detail in details
    ]


def found(
    recorded: Recorded,
    *statements: str,
    sent: list[Sent] | None = None,
    noise: Sequence[str] = (),
    events: list[dict[str, Any]] | None = None,
    changes: list[dict[str, Any]] | None = None,
    **seen: Any,
) -> set[tuple[Kind, str]]:
    """Kind and subject of all violations after these statements, which are taken back; a subject is a key or a view."""
    known = recorded.sent if sent is None else sent
    with recorded.connection.transaction(force_rollback=True):
        for statement in statements:
            changed = recorded.connection.execute(statement.encode())
            assert changed.rowcount != 0, f"nothing to damage: {statement}"
        all_of_them = violations(
            known,
            Seen(
                events=arrived(
                    recorded.events if events is None else events, recorded.changes if changes is None else changes
                ),
                **seen,
            ),
            recorded.connection,
            retention=RETENTION,
            noise=noise,
        )
    keys = {str(upload.identity): upload.key for upload in recorded.sent}
    assert all(violation.text and str(violation).startswith(violation.kind) for violation in all_of_them)
    return {(violation.kind, keys.get(violation.subject, violation.subject)) for violation in all_of_them}


def test_what_the_function_recorded_is_right(recorded: Recorded) -> None:
    """Late, doubled, faulty and expired uploads among it."""
    assert len(recorded.events) == len(recorded.sent) == 18
    assert [event["newly_failing"]["count"] for event in recorded.changes] == [1]
    assert found(recorded) == set()


def test_repeats_of_an_event_are_right(recorded: Recorded) -> None:
    """Nobody promises that it comes once."""
    assert found(recorded, events=[*recorded.events, *recorded.events[:3]]) == set()


# The report in the middle, which came last; and what all of its project's answers come to.
LATE = "shop/2/unit.xml"
# The one before it, which failed first.
BREAKING = "shop/3/unit.xml"
OF_LATE = f"(select event_id from upload where key = '{LATE}')"
RUN = f"(select id from history.run where event_id = {OF_LATE})"


def of_shop(*views: str) -> set[tuple[str, str]]:
    return {("wrong_history", f"{view} of shop") for view in views}


# Statements, and what they come to.
DAMAGES: dict[str, tuple[list[str], set[tuple[str, str]]]] = {
    "an upload is gone": (
        ["delete from upload where key = 'shop/picture.png'"],
        {("lost", "shop/picture.png"), ("event_without_effect", "shop/picture.png")},
    ),
    "something was not uploaded": (
        ["update upload set version_id = 'x' where key = 'shop/picture.png'"],
        {
            ("invented", "uploads/shop/picture.png@x"),
            ("lost", "shop/picture.png"),
            ("event_without_effect", "shop/picture.png"),
        },
    ),
    "an upload is there twice": (
        [
            "alter table upload drop constraint upload_bucket_key_version_id_key",
            "insert into upload select gen_random_uuid(), bucket, key, version_id, etag, size, kind, project, branch,"
            " commit, build_url, uploaded_at, status, is_expired, error_code, error_message, processed_at from upload"
            " where key = 'shop/bad.xml'",
        ],
        {("doubled", "shop/bad.xml")},
    ),
    "a run is gone, and its outcomes with it": (
        [f"select history.take_from_totals(array[{RUN}])", f"delete from history.run where id = {RUN}"],
        {("lost", LATE), *of_shop("failing_tests")},
    ),
    "the totals are doubled": (
        [f"update history.run set tests = 6, passed = 2, error = 2, skipped = 2 where id = {RUN}"],
        {("doubled", LATE), *of_shop("project_summary", "build_summary")},
    ),
    "a test counts for another outcome": (
        [f"update history.run set passed = 2, skipped = 0 where id = {RUN}"],
        {("wrong_totals", LATE), *of_shop("build_summary")},
    ),
    "a test is not counted": (
        [f"update history.run set tests = 2, skipped = 0 where id = {RUN}"],
        {("wrong_totals", LATE), *of_shop("project_summary", "build_summary")},
    ),
    "a report that cannot be read is taken for read": (
        ["update upload set status = 'success', error_code = null, error_message = null where key = 'shop/bad.xml'"],
        {("wrong_record", "shop/bad.xml")},
    ),
    "a report has another fault": (
        ["update upload set error_code = 'not_junit' where key = 'shop/bad.xml'"],
        {("wrong_record", "shop/bad.xml")},
    ),
    "another project": (
        ["update upload set project = 'web' where key = 'shop/picture.png'"],
        {("wrong_record", "shop/picture.png")},
    ),
    "another moment": (
        ["update upload set uploaded_at = uploaded_at - interval '1 ms' where key = 'shop/picture.png'"],
        {("wrong_record", "shop/picture.png")},
    ),
    "expired too soon": (
        [
            f"update upload set is_expired = true where key = '{LATE}'",
            f"select history.take_from_totals(array[{RUN}])",
            f"with kept as (select branch_id, series_id from history.run where id = {RUN}), gone as"
            f" (delete from history.run where id = {RUN} returning branch_id) select branch_id from gone",
        ],
        {("wrong_record", LATE), ("wrong_event", LATE), *of_shop("failing_tests")},
    ),
    "another series": (
        [
            "insert into history.series (project_id, name) select id, 'x' from history.project where name = 'shop'",
            f"update history.run set series_id = (select id from history.series where name = 'x') where id = {RUN}",
        ],
        {("wrong_record", LATE), *of_shop("failing_tests", "project_summary")},
    ),
    "a test failed elsewhere": (
        ["update history.failing set runs = runs + 1"],
        of_shop("failing_tests"),
    ),
    "failing since a later run": (
        [
            "update history.failing set since_run = last_run where branch_id = (select branch_id from history.run"
            f" where id = {RUN})",
        ],
        of_shop("failing_tests"),
    ),
    "durations count twice": (
        [
            "update history.running_total set runs = array(select 2 * unnest(runs)),"
            " microseconds = array(select 2 * unnest(microseconds))"
        ],
        {
            *of_shop("slowest_tests"),
            ("wrong_history", "slowest_tests of web"),
            ("wrong_history", "slower_tests of web"),
        },
    ),
    "durations of a run do not count": (
        [f"select history.take_from_totals(array[{RUN}])"],
        of_shop("slowest_tests"),
    ),
    "an outcome is another": (
        [f"update history.plane set good = bad, bad = good where run_id = {RUN}"],
        of_shop("test_history", "flipping_tests", "run_change", "branch_grid"),
    ),
    "a test is there twice": (
        [
            "insert into history.test (project_id, number, id, name) select project_id, 200, gen_random_uuid(), name"
            " from history.test where name = 'clicks'",
        ],
        {("doubled", "test of shop")},
    ),
    "not marked as sent": (["update outbox set sent_at = null where event_id = " + OF_LATE], {("unsent", LATE)}),
    "not to be sent at all": (["delete from outbox where event_id = " + OF_LATE], {("unsent", LATE)}),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damage_is_found(damage: str, recorded: Recorded) -> None:
    """It, and what the views say by its fault, and nothing else."""
    statements, expected = DAMAGES[damage]
    assert found(recorded, *statements) == expected


def test_an_upload_that_was_never_recorded_is_lost(recorded: Recorded) -> None:
    """Unless a message of it is left, in one queue or the other."""
    upload = replace(recorded.sent[0], version_id="next")
    sent = [*recorded.sent, upload]
    record = {"s3": {"bucket": {"name": upload.bucket}, "object": {"key": "shop%2F1/unit.xml", "versionId": "next"}}}
    body = json.dumps({"Records": [record]})
    assert found(recorded, sent=sent) == {("lost", str(upload.identity))}
    assert found(recorded, sent=sent, dead_letters=[body]) == set()
    assert found(recorded, sent=sent, waiting=[body]) == {("waiting", str(upload.identity))}


@pytest.mark.parametrize("is_left", [False, True])
@pytest.mark.parametrize("sent_at", ["now()", "null"])
def test_an_event_that_did_not_arrive_is_missing(sent_at: str, is_left: bool, recorded: Recorded) -> None:
    """If it is marked as sent, no message that is left would send it."""
    nth = recorded.of(LATE)
    expected = {("missing_event", LATE)} if sent_at == "now()" or not is_left else set()
    events = [event for event in recorded.events if event["key"] != LATE]
    mark = f"update outbox set sent_at = {sent_at} where event_id = {OF_LATE}"
    assert found(recorded, mark, events=events, dead_letters=recorded.bodies[nth : nth + is_left]) == expected


def test_an_event_that_arrived_is_marked_as_sent_by_the_next_delivery(recorded: Recorded) -> None:
    """Which is to come as long as there is a message."""
    nth = recorded.of(LATE)
    mark = f"update outbox set sent_at = null where event_id = {OF_LATE}"
    assert found(recorded, mark, dead_letters=recorded.bodies[nth : nth + 1]) == set()


def test_an_event_of_what_is_not_recorded_is_found(recorded: Recorded) -> None:
    """It was announced before it was kept."""
    event = {**recorded.events[0], "key": "x", "version_id": "1", "event_id": "7"}
    subject = f"{event['bucket']}/x@1"
    assert found(recorded, events=[*recorded.events, event]) == {("event_without_effect", subject)}


@pytest.mark.parametrize("changed", [{"event_id": "7"}, {"processed_at": "2026-11-23T20:14:34.144+00:00"}])
def test_a_repeat_that_is_none_is_found(changed: dict[str, str], recorded: Recorded) -> None:
    """Consumers would take it for another upload, or not know which of both to believe."""
    repeat = {**recorded.events[0], **changed}
    assert found(recorded, events=[*recorded.events, repeat]) == {("event_ids", recorded.events[0]["key"])}


def test_an_id_that_is_not_the_uploads_is_found(recorded: Recorded) -> None:
    """Even if all events have it."""
    first, *others = recorded.events
    events = [{**first, "event_id": "7"}, *others]
    assert found(recorded, events=events) == {("event_ids", first["key"])}


def test_an_id_that_several_uploads_have_is_found(recorded: Recorded) -> None:
    """Consumers would drop one of them."""
    first, second, *others = recorded.events
    events = [first, {**second, "event_id": first["event_id"]}, *others]
    assert found(recorded, events=events) == {("event_ids", first["event_id"]), ("event_ids", second["key"])}


def test_what_a_run_broke_has_to_be_announced(recorded: Recorded) -> None:
    """If it was left to be sent, and if that was forgotten as well."""
    [change] = recorded.changes
    assert found(recorded, changes=[]) == {("missing_event", change["event_id"])}
    forgotten = f"delete from outbox where detail_type = '{CHANGED}'"
    assert found(recorded, forgotten, changes=[]) == {("missing_event", BREAKING)}
    unmarked = f"update outbox set sent_at = null where detail_type = '{CHANGED}'"
    assert found(recorded, unmarked) == {("unsent", change["event_id"])}
    body = recorded.bodies[recorded.of(BREAKING)]
    assert found(recorded, unmarked, changes=[], dead_letters=[body]) == set()


def test_what_a_run_broke_is_announced_as_it_is(recorded: Recorded) -> None:
    """Held against the right run, under one id, and only if it was left to be sent."""
    [change] = recorded.changes
    event_id = change["event_id"]
    assert found(recorded, changes=[change, change]) == set()
    assert found(recorded, changes=[{**change, "fixed": {"count": 1, "tests": []}}]) == {
        ("event_ids", event_id),
        ("wrong_event", BREAKING),
    }
    other_base = {**change, "previous_run": {"id": "7", "commit": None}}
    assert found(recorded, changes=[other_base]) == {("event_ids", event_id), ("wrong_event", BREAKING)}
    assert found(recorded, changes=[change, {**change, "event_id": "7"}]) == {
        ("event_without_effect", "7"),
        ("event_ids", BREAKING),
    }
    of_nothing = {**change, "event_id": "7", "run": {"id": "8", "totals": {}}}
    assert found(recorded, changes=[change, of_nothing]) == {
        ("event_without_effect", "7"),
        ("event_without_effect", "8"),
    }


@pytest.mark.parametrize(
    ("key", "changed"),
    [
        (LATE, {"status": "error"}),
        (LATE, {"project": "web"}),
        (LATE, {"kind": "artifact"}),
        (LATE, {"commit": None}),
        (LATE, {"run": None}),
        (LATE, {"expired": True}),
        (LATE, {"error": {"code": "not_xml", "message": "?"}}),
        ("shop/bad.xml", {"error": None}),
        ("shop/bad.xml", {"error": {"code": "not_junit", "message": "?"}}),
        ("shop/old.xml", {"expired": None}),
        ("shop/picture.png", {"run": {"id": "7"}}),
    ],
)
def test_an_event_that_says_something_else_is_found(key: str, changed: dict[str, Any], recorded: Recorded) -> None:
    """Else it would not matter what an event says."""
    events = [{**event, **changed} if event["key"] == key else event for event in recorded.events]
    assert found(recorded, events=events) == {("wrong_event", key)}


def test_an_event_with_other_totals_is_found(recorded: Recorded) -> None:
    """They stand in the run of the event."""
    totals = {"tests": 1, "passed": 1, "failed": 0, "error": 0, "skipped": 0, "flaky": 0}
    events = [
        {**event, "run": {**event["run"], "totals": totals}} if event["key"] == LATE else event
        for event in recorded.events
    ]
    assert found(recorded, events=events) == {("wrong_event", LATE)}


@pytest.mark.parametrize("is_redriven", [False, True])
def test_a_dead_letter_does_not_come_back(is_redriven: bool, recorded: Recorded) -> None:
    """What failed may lie there, even if some delivery of it did its work, until nothing fails any more."""
    done = recorded.bodies[recorded.of(LATE)]
    expected = {("dead_letter", LATE)} if is_redriven else set()
    assert found(recorded, dead_letters=[done], redriven=is_redriven) == expected


def test_a_report_that_says_something_else_is_found(recorded: Recorded) -> None:
    """In the totals of its run, in its event, and in the history."""
    nth = recorded.of(LATE)
    results = {**recorded.sent[nth].results, "adds": ("failed", 0.25)}
    sent = [*recorded.sent[:nth], replace(recorded.sent[nth], results=results), *recorded.sent[nth + 1 :]]
    kinds = {kind for kind, _ in found(recorded, sent=sent)}
    assert kinds == {"wrong_totals", "wrong_event", "wrong_history"}


def test_reports_that_were_read_although_they_had_expired_are_found(recorded: Recorded) -> None:
    """Artifacts do not expire, and what is expired is not wrong."""
    retention = timedelta(days=2)
    seen = Seen(events=arrived(recorded.events, recorded.changes))
    wrong = violations(recorded.sent, seen, recorded.connection, retention=retention)
    reports = [upload for upload in recorded.sent if upload.key != "shop/old.xml"]
    expected = {str(upload.identity) for upload in reports if NOW - upload.uploaded_at > retention}
    assert len(expected) > 5
    assert {(violation.kind, violation.subject) for violation in wrong} == {("wrong_record", it) for it in expected}


@pytest.mark.parametrize(("most", "expected"), [(2, set()), (3, {("wrong_record", "shop/3/ui.xml")})])
def test_a_project_may_have_so_many_series(
    most: int, expected: set[tuple[str, str]], recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes then goes on the one for all others, and nothing does so before."""
    monkeypatch.setattr(checker, "_MOST_SERIES", most)
    assert found(recorded, "update history.series set name = '*' where name = 'ui.xml'") == expected


def test_noise_is_set_aside(recorded: Recorded) -> None:
    """Unless its message is left; and nothing else is."""
    assert found(recorded, noise=["?"]) == {("lost", "?")}
    assert found(recorded, noise=["?"], waiting=["?"]) == {("waiting", "?")}
    set_aside = "insert into invalid_message (message_id, body) values ('1', '?'), ('2', '?')"
    assert found(recorded, set_aside, noise=["?"]) == set()
    assert found(recorded, set_aside) == {("invented", "?")}


def test_none_of_the_functions_code_is_used() -> None:
    """What is wrong there would be wrong here as well, and nobody would see it."""
    imported = "import sys, tests.chaos.checker; print([it for it in sys.modules if it.split('.')[0] == 'handler'])"
    root = Path(__file__).parents[2]
    python = subprocess.run([sys.executable, "-c", imported], cwd=root, capture_output=True, text=True, check=True)
    assert python.stdout == "[]\n"
