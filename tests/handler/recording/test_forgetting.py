"""Uploads that somebody wants to be gone."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from handler.recording import forgetting
from tests.handler.helpers.recorder import Recorder, case


def forget(recorder: Recorder, *ids: UUID, seconds: float = 60) -> dict[str, Any]:
    return forgetting.forget(recorder.connection, ids, lambda: seconds)


def test_those_of_a_project_are_found_the_oldest_first(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of them, and how many there are."""
    monkeypatch.setattr(forgetting, "_PAGE", 2)
    ids = [str(recorder.record(case("passed"), days_ago=days_ago).id) for days_ago in (1, 3, 2)]
    recorder.record(case("passed"), project="bank")
    found = forgetting.find(recorder.connection, project="shop", event_id=None)
    assert found["count"] == 3
    assert found["uploads"] == [
        {"event_id": event_id, "bucket": "uploads", "key": "report.xml", "version_id": event_id}
        for event_id in (ids[1], ids[2])
    ]


def test_one_is_found_by_its_id(recorder: Recorder) -> None:
    """Which is that of its run and of its event."""
    run = recorder.record(case("passed"))
    recorder.record(case("passed"))
    found = forgetting.find(recorder.connection, project=None, event_id=run.id)
    assert [upload["event_id"] for upload in found["uploads"]] == [str(run.id)]


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
    assert forgetting.find(recorder.connection, project="shop", event_id=None)["count"] == 1
