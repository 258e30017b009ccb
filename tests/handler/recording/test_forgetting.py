"""Uploads that somebody wants to be gone."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from handler.recording import finding, forgetting
from tests.handler.helpers.recorder import Recorder, case


def forget(recorder: Recorder, *ids: UUID, seconds: float = 60) -> dict[str, Any]:
    return forgetting.forget(recorder.connection, ids, lambda: seconds)


def test_a_project_is_forgotten_whole(recorder: Recorder) -> None:
    """Names of tests included; another project stays as it is."""
    ids = [recorder.record(case("failed"), days_ago=days_ago).id for days_ago in range(25)]
    other = recorder.record(case("failed"), project="bank")
    assert forget(recorder, *ids) == {"uploads": 25, "is_complete": True}
    assert recorder.query("select distinct project from test") == [("bank",)]
    assert recorder.query("select name from history.project") == [("bank",)]
    assert recorder.query("select event_id from upload") == [(other.id,)]


def test_what_was_forgotten_before_is_none(recorder: Recorder) -> None:
    """It may be asked again."""
    run = recorder.record(case("failed"))
    assert forget(recorder, run.id)["uploads"] == 1
    assert forget(recorder, run.id)["uploads"] == 0


def test_it_ends_in_time(recorder: Recorder) -> None:
    """What is left is found again."""
    run = recorder.record(case("failed"))
    assert forget(recorder, run.id, seconds=0) == {"uploads": 0, "is_complete": False}
    assert finding.find(recorder.connection, project="shop", event_id=None)["count"] == 1
