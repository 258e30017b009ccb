"""What is past its retention goes, and what nothing uses any more."""

from __future__ import annotations

import itertools
import time
from uuid import UUID

import pytest

from handler.recording import upkeep
from handler.recording.upkeep import Removed
from tests.handler.helpers.recorder import Recorder, case
from tests.handler.helpers.surroundings import Postgres

FAILED = "<testcase name='adds'><failure message='7'>at a</failure></testcase>"
TABLES = (
    "upload, outbox, suite_output, history.run, history.plane, history.durations, history.notable, history.texts,"
    " history.failing, history.test, history.branch, history.series, history.turn, history.project"
)


def keep_up(
    recorder: Recorder, *, text_retention: int = 30, outcome_retention: int = 90, steps: float = 1e9
) -> Removed:
    """`steps`: how often there is time left."""
    left = itertools.chain(itertools.repeat(1.0, int(min(steps, 1e6))), itertools.repeat(0.0))
    return upkeep.keep_up(
        recorder.connection,
        text_retention=text_retention,
        outcome_retention=outcome_retention,
        seconds_left=lambda: next(left),
    )


def record(recorder: Recorder, *cases: str, days_ago: float, processed_days_ago: float | None = None) -> UUID:
    """A report that was announced."""
    run = recorder.record(*cases, days_ago=days_ago)
    processed = days_ago if processed_days_ago is None else processed_days_ago
    recorder.connection.execute(
        "update upload set processed_at = now() - make_interval(secs => %s) where event_id = %s",
        [processed * 86400, run.id],
    )
    recorder.announce(run.id)
    return run.id


def rows(recorder: Recorder, table: str) -> int:
    [(count,)] = recorder.query(f"select count(*) from {table}")
    return int(count)


def test_a_fresh_database_has_nothing_to_remove(recorder: Recorder) -> None:
    """Nor has one that was kept up."""
    assert keep_up(recorder) == Removed(texts=0, uploads=0, tests=0, is_complete=True)
    record(recorder, FAILED, days_ago=1)
    assert keep_up(recorder) == Removed(texts=0, uploads=0, tests=0, is_complete=True)
    assert rows(recorder, "history.texts") == 1


def test_texts_go_first(recorder: Recorder) -> None:
    """The outcomes stay, also of what passed and had something to say."""
    passed = "<testcase name='says'><system-out>x</system-out></testcase>"
    suite_output = "<testsuite name='s'><system-out>y</system-out></testsuite>"
    old = record(recorder, FAILED, passed, suite_output, days_ago=30.1)
    new = record(recorder, FAILED, passed, suite_output, days_ago=29.9)
    assert keep_up(recorder) == Removed(texts=1, uploads=0, tests=0, is_complete=True)
    query = "select run_id, name, status, message, system_out from result join test on id = test_id order by 1, 2"
    assert sorted(recorder.query(query)) == sorted(
        [
            (old, "adds", "failed", None, None),
            (old, "says", "passed", None, None),
            (new, "adds", "failed", "7", None),
            (new, "says", "passed", None, "x"),
        ]
    )
    assert recorder.query("select run_id from suite_output") == [(new,)]
    assert rows(recorder, "history.notable") == 3


def test_an_upload_goes_with_all_that_hangs_on_it(recorder: Recorder) -> None:
    """The tests that no other run has, and a project without runs."""
    record(recorder, FAILED, case("passed", "other", time=1), days_ago=91)
    assert keep_up(recorder) == Removed(texts=1, uploads=1, tests=2, is_complete=True)
    assert {table: rows(recorder, table) for table in TABLES.split(",")} == dict.fromkeys(TABLES.split(","), 0)


def test_what_is_younger_stays(recorder: Recorder) -> None:
    """With its tests, branch and series."""
    record(recorder, case("failed", "gone"), case("failed", "stays"), days_ago=91)
    record(recorder, case("failed", "stays"), days_ago=89)
    assert keep_up(recorder) == Removed(texts=0, uploads=1, tests=1, is_complete=True)
    [(name, runs)] = recorder.query("select name, runs from history.failing join history.test using (number)")
    assert (name, runs) == ("stays", 1)


@pytest.mark.parametrize("reason", ["redelivery", "unsent"])
def test_an_upload_whose_message_may_come_again_stays(recorder: Recorder, reason: str) -> None:
    """Or it would be recorded twice, or never be announced."""
    run_id = record(recorder, FAILED, days_ago=200, processed_days_ago=29 if reason == "redelivery" else 200)
    if reason == "unsent":
        recorder.connection.execute(
            "insert into outbox (event_id, upload_id, detail_type, detail)"
            " values (gen_random_uuid(), %s, 'Other', '{}')",
            [run_id],
        )
    assert keep_up(recorder).uploads == 0
    assert recorder.query("select id from run") == [(run_id,)]


def test_the_number_of_an_unused_test_is_used_again(recorder: Recorder) -> None:
    """Names with ids in them would make the bit strings longer for ever."""
    record(recorder, case("passed", "a"), case("passed", "b"), case("passed", "c"), days_ago=91)
    record(recorder, case("passed", "b"), days_ago=2)
    assert keep_up(recorder).tests == 2
    record(recorder, *(case("passed", name) for name in "dbef"), days_ago=1)
    numbers = recorder.query("select name, number from history.test order by number")
    assert numbers == [("d", 0), ("b", 1), ("e", 2), ("f", 3)]
    assert recorder.query("select tests from history.project") == [(4,)]
    assert rows(recorder, "history.free_number") == 0


def test_running_totals_are_kept_as_long_as_something_is_held_against_them(recorder: Recorder) -> None:
    """That is the last of the old ones."""
    for days_ago in (95, 93, 91, 89, 2):
        record(recorder, case("passed", time=1), days_ago=days_ago)
    keep_up(recorder)
    assert recorder.query("select current_date - day, runs[1] from history.running_total order by day") == [
        (91, 3),
        (89, 4),
        (2, 5),
    ]


def test_it_stops_when_there_is_no_time_left_and_goes_on_the_next_time(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was removed is removed."""
    monkeypatch.setattr(upkeep, "_RUNS", 1)
    monkeypatch.setattr(upkeep, "_UPLOADS", 1)
    for _ in range(3):
        record(recorder, FAILED, days_ago=91)
    assert keep_up(recorder, steps=2) == Removed(texts=2, uploads=0, tests=0, is_complete=False)
    assert keep_up(recorder, steps=4) == Removed(texts=1, uploads=1, tests=0, is_complete=False)
    assert keep_up(recorder) == Removed(texts=0, uploads=2, tests=1, is_complete=True)


def test_what_fails_keeps_nothing_else_from_being_done(recorder: Recorder, postgres: Postgres) -> None:
    """It is tried again on the next day; the log says what it was."""
    gone = record(recorder, FAILED, days_ago=91)
    recorder.connection.execute("set lock_timeout = 50")
    with postgres.connect() as other, other.transaction():
        other.execute("select from upload where event_id = %s for update", [gone])
        assert keep_up(recorder) == Removed(texts=1, uploads=0, tests=0, is_complete=False)
        other.execute("select from history.project for update")
    with postgres.connect() as other, other.transaction():
        other.execute("lock table history.test")
        assert keep_up(recorder) == Removed(texts=0, uploads=1, tests=0, is_complete=False)
    assert keep_up(recorder) == Removed(texts=0, uploads=0, tests=1, is_complete=True)


def test_older_runs_that_stay_still_count(recorder: Recorder) -> None:
    """What failed since one of them goes on failing since then."""
    stays = record(recorder, case("failed"), days_ago=95, processed_days_ago=1)
    record(recorder, case("failed"), days_ago=94)
    record(recorder, case("failed"), days_ago=2)
    assert keep_up(recorder).uploads == 1
    assert recorder.query("select first_failing_run_id, runs from failing_tests") == [(stays, 2)]


class TestReportsOnTheirWay:
    """They are not waited for, and do not wait."""

    def test_their_tests_keep_their_numbers(
        self, recorder: Recorder, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A report that has found them may have a run of them in a moment."""
        monkeypatch.setattr(upkeep, "_PAUSE", 0)
        record(recorder, FAILED, days_ago=91)
        with postgres.connect() as other, other.transaction():
            other.execute("select from history.project for key share")
            assert keep_up(recorder) == Removed(texts=1, uploads=1, tests=0, is_complete=False)
        assert keep_up(recorder) == Removed(texts=0, uploads=0, tests=1, is_complete=True)

    def test_a_report_that_comes_meanwhile_is_waited_for(
        self, recorder: Recorder, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """For as long as most take."""
        record(recorder, FAILED, days_ago=91)
        with postgres.connect() as other:
            other.execute("begin; select from history.project for key share")
            monkeypatch.setattr(time, "sleep", lambda _: other.execute("commit"))
            assert keep_up(recorder).tests == 1
