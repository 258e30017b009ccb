"""Uploads that somebody wants to be gone, or read again, are found."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from handler.recording import finding
from tests.handler.helpers.recorder import Recorder, case


def find_reports(
    recorder: Recorder, *, project: str | None = None, event_id: UUID | None = None, after: UUID | None = None
) -> dict[str, Any]:
    after = after or UUID(int=0)
    return finding.find_reports(recorder.connection, project=project, event_id=event_id, after=after)


def test_those_of_a_project_are_found_the_oldest_first(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of them, and how many there are."""
    monkeypatch.setattr(finding, "_PAGE", 2)
    ids = [str(recorder.record(case("passed"), days_ago=days_ago).id) for days_ago in (1, 3, 2)]
    recorder.record(case("passed"), project="bank")
    found = finding.find(recorder.connection, project="shop", event_id=None)
    assert found["count"] == 3
    versions = dict(recorder.query("select event_id::text, version_id from upload"))
    assert found["uploads"] == [
        {"event_id": event_id, "bucket": "uploads", "key": "report.xml", "version_id": versions[event_id]}
        for event_id in (ids[1], ids[2])
    ]


def test_one_is_found_by_its_id(recorder: Recorder) -> None:
    """Which is that of its run and of its event."""
    run = recorder.record(case("passed"))
    recorder.record(case("passed"))
    for found in (
        finding.find(recorder.connection, project=None, event_id=run.id),
        find_reports(recorder, event_id=run.id),
    ):
        assert [upload["event_id"] for upload in found["uploads"]] == [str(run.id)]


class TestReports:
    """Of what is to be read again."""

    def test_whoever_goes_on_behind_the_last_one_comes_to_all(
        self, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Once each, though some are gone meanwhile, and is told how many are left."""
        monkeypatch.setattr(finding, "_PAGE", 2)
        ids = sorted(recorder.record(case("passed"), days_ago=days_ago).id for days_ago in range(5))
        recorder.record(case("passed"), project="bank")
        found, counts, after = [], [], UUID(int=0)
        while uploads := (answer := find_reports(recorder, project="shop", after=after))["uploads"]:
            counts.append(answer["count"])
            found += [UUID(upload["event_id"]) for upload in uploads]
            after = found[-1]
            recorder.connection.execute("delete from upload where event_id = %s", [after])
        assert (found, counts) == (ids, [5, 3, 1])

    def test_faults_are_among_them_and_artifacts_are_not(self, recorder: Recorder) -> None:
        """An artifact is not read."""
        refused, artifact = (recorder.record(case("passed")).id for _ in range(2))
        recorder.connection.execute(
            "update upload set status = 'error', error_code = 'not_xml', error_message = 'x' where event_id = %s",
            [refused],
        )
        recorder.connection.execute("update upload set kind = 'artifact' where event_id = %s", [artifact])
        found = find_reports(recorder, project="shop")
        assert ([upload["event_id"] for upload in found["uploads"]], found["count"]) == ([str(refused)], 1)

    def test_a_project_without_reports_has_none(self, recorder: Recorder) -> None:
        assert find_reports(recorder, project="shop") == {"uploads": [], "count": 0}
