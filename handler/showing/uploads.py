"""All uploads, the newest first: what was refused, and how much of each project's."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal, LiteralString
from uuid import UUID

from handler.showing.models import Totals
from handler.showing.reading import RETRY_AFTER, NotRecorded, Reading

# Uploads on a page; projects whose health is told.
_LISTED, _PROJECTS = 50, 100

_UPLOAD: LiteralString = """
    select upload.event_id as id, bucket, upload.key, version_id, etag, size, kind, upload.project, upload.branch,
           upload.commit, upload.build_url, uploaded_at, processed_at, status, is_expired, error_code, error_message,
           tests, passed, failed, error, skipped, flaky, duration_seconds
    from upload
    left join history.run on run.event_id = upload.event_id
"""

_HEALTH: LiteralString = """
    select project, error_code, count(*) as uploads
    from upload
    where uploaded_at >= now() - interval '30 days'
"""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """`status`: those that were recorded, or those that were refused. `before`: those before this upload, by its id."""

    project: str | None = None
    status: Literal["success", "error"] | None = None
    before: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class UploadedRun(Totals):
    """What the report of an upload says as a whole."""

    duration_seconds: float | None


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One version of an object. `size` in bytes; `is_expired`: it was past its retention, and not read.

    A report that was read has a run, whose id is that of the upload.
    """

    id: UUID
    bucket: str
    key: str
    version_id: str
    etag: str
    size: int
    kind: Literal["junit", "artifact"]
    project: str
    branch: str | None
    commit: str | None
    build_url: str | None
    uploaded_at: datetime
    processed_at: datetime
    status: Literal["success", "error"]
    is_expired: bool
    error_code: str | None
    error_message: str | None
    run: UploadedRun | None


@dataclass(frozen=True, kw_only=True)
class UploadHealth:
    """How many uploads a project had in the last 30 days, and how many of them were refused: in all, and by code."""

    project: str
    uploads: int
    refused: int
    codes: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class UploadsPage:
    """`next`: what to give as `before` for the page after this one. Of all projects, the health of a hundred at most.

    The projects with most refused uploads come first.
    """

    uploads: list[Upload]
    next: UUID | None
    health: list[UploadHealth]


def read(reading: Reading, inputs: Inputs) -> UploadsPage:
    """Raises NotRecorded."""
    conditions = ["true"]
    values: dict[str, Any] = {"project": inputs.project, "status": inputs.status, "limit": _LISTED + 1}
    if inputs.project is not None:
        conditions.append("upload.project = %(project)s")
    if inputs.status is not None:
        conditions.append("status = %(status)s")
    if inputs.before is not None:
        # There may be several of one moment.
        conditions.append("(uploaded_at, upload.event_id) < (%(at)s, %(before)s)")
        values |= {"at": find_upload(reading, inputs.before).uploaded_at, "before": inputs.before}
    uploads = select_uploads(
        reading, f"where {' and '.join(conditions)} order by uploaded_at desc, upload.event_id desc", values
    )
    return UploadsPage(
        uploads=uploads[:_LISTED],
        next=uploads[_LISTED - 1].id if len(uploads) > _LISTED else None,
        health=health(reading, inputs.project)[:_PROJECTS],
    )


def find_upload(reading: Reading, upload_id: UUID) -> Upload:
    """Raises NotRecorded."""
    for upload in select_uploads(reading, "where upload.event_id = %(id)s", {"id": upload_id, "limit": 1}):
        return upload
    raise NotRecorded("There is no such upload: it is not recorded yet, or no more.", retry_after=RETRY_AFTER)


def select_uploads(reading: Reading, which: LiteralString, values: dict[str, Any]) -> list[Upload]:
    """`which`: the conditions and the order, with `values`; the value `limit` says how many."""
    rows = reading.records(f"{_UPLOAD} {which} limit %(limit)s", values)
    for row in rows:
        run = {field.name: row.pop(field.name) for field in fields(UploadedRun)}
        row["run"] = None if run["tests"] is None else UploadedRun(**run)
    return [Upload(**row) for row in rows]


def health(reading: Reading, project: str | None) -> list[UploadHealth]:
    """Of this project or of all; none of those without an upload in the last 30 days."""
    which: LiteralString = "group by project, error_code"
    if project is not None:
        which = "and project = %(project)s group by project, error_code"
    counts: defaultdict[str, dict[str | None, int]] = defaultdict(dict)
    for row in reading.records(f"{_HEALTH} {which}", {"project": project}):
        counts[row["project"]][row["error_code"]] = row["uploads"]
    found = [_health(name, of_project) for name, of_project in counts.items()]
    return sorted(found, key=lambda each: (-each.refused, -each.uploads, each.project))


def _health(project: str, counts: dict[str | None, int]) -> UploadHealth:
    """`counts`: by code, None for those that were recorded."""
    codes = {code: counts[code] for code in sorted(filter(None, counts))}
    return UploadHealth(project=project, uploads=sum(counts.values()), refused=sum(codes.values()), codes=codes)
