"""The events that other teams' rules and consumers rely on, and the detail of "S3 Object Processed"."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from handler.addresses import run_address, upload_address
from handler.announcing import OBJECT_PROCESSED, SCHEMA_VERSION
from handler.recording.uploads import Recorded

EventDetail = dict[str, Any]


class Event(NamedTuple):
    """What goes over the bus. Its detail has the `id` as well: consumers know by it what comes twice."""

    id: UUID
    detail_type: str
    detail: EventDetail


def replacing(before: Event | None, event: Event, *, by: UUID) -> Event:
    """The event under the id `by`: what it says counts in the place of what was said before, if there was anything."""
    detail = {**event.detail, "event_id": str(by)}
    if before:
        detail["replaces"] = str(before.id)
    return event._replace(id=by, detail=detail)


def says_the_same(one: Event, other: Event) -> bool:
    """Whether they differ in nothing but their ids."""
    return _told(one) == _told(other)


def _told(event: Event) -> EventDetail:
    return {name: value for name, value in event.detail.items() if name not in {"event_id", "replaces"}}


def object_processed(recorded: Recorded, results_address: str) -> Event:
    """What is said of every upload: see docs/ingesting.md, "The events"."""
    upload, run, fault = recorded.upload, recorded.run, recorded.fault
    detail: EventDetail = {
        "schema_version": SCHEMA_VERSION,
        "event_id": str(upload.event_id),
        "status": recorded.status,
        "bucket": upload.bucket,
        "key": upload.readable_key,
        "version_id": upload.version_id,
        "etag": upload.etag,
        "size": upload.size,
        "kind": upload.kind,
        "project": recorded.origin.project,
        "branch": recorded.origin.branch,
        "commit": recorded.origin.commit,
        "build_url": recorded.origin.build_url,
        "processed_at": recorded.processed_at.isoformat(timespec="milliseconds"),
        "page_url": (run_address if run else upload_address)(results_address, upload.event_id),
    }
    if recorded.is_expired:
        detail["expired"] = True
    if fault:
        detail["error"] = fault._asdict()
    if run:
        detail["run"] = {
            "id": str(run.id),
            "project": recorded.origin.project,
            "series": run.series,
            "totals": run.totals,
            "duration": run.duration,
            "incomplete_suites": run.incomplete_suites,
        }
    return Event(upload.event_id, OBJECT_PROCESSED, detail)
