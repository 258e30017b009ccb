"""The record of uploads: what became of each version of each object."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from psycopg import Connection
from psycopg.rows import dict_row

from handler.notifications import ObjectVersion, Upload
from handler.origin import UNKNOWN_SERIES, Origin
from handler.outcome import Expired, Faulty, OpenReport, UploadOutcome
from handler.recording.replacing import replace_run
from handler.recording.results import TOTALS, Run, record_run

_INSERT = """
insert into upload (event_id, bucket, key, version_id, etag, size, kind, uploaded_at,
                    project, branch, commit, build_url,
                    status, is_expired, error_code, error_message, processed_at)
values (%(event_id)s, %(bucket)s, %(key)s, %(version_id)s, %(etag)s, %(size)s, %(kind)s, %(uploaded_at)s,
        %(project)s, %(branch)s, %(commit)s, %(build_url)s,
        %(status)s, %(is_expired)s, %(error_code)s, %(error_message)s, %(processed_at)s)
on conflict do nothing
"""
_HOLD = "select etag, size, uploaded_at from upload where event_id = %s for no key update"
# What S3 says of it stays.
_UPDATE = """
update upload
set kind = %(kind)s, project = %(project)s, branch = %(branch)s, commit = %(commit)s, build_url = %(build_url)s,
    status = %(status)s, is_expired = %(is_expired)s, error_code = %(error_code)s, error_message = %(error_message)s,
    processed_at = %(processed_at)s
where event_id = %(event_id)s
"""


class Fault(NamedTuple):
    """Why an upload could not be read: the stable code and the sentence of its PermanentFault."""

    code: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What was recorded of an upload: a run if it is a report, a fault if it could not be read.

    `is_expired`: it is a report, and was past its retention already.
    """

    upload: Upload
    origin: Origin
    processed_at: datetime
    is_expired: bool
    fault: Fault | None
    run: Run | None

    @property
    def status(self) -> Literal["success", "error"]:
        """What rules of the event bus ask for."""
        return "error" if self.fault else "success"


def find(connection: Connection[Any], upload: Upload) -> Recorded | None:
    """What an earlier delivery recorded of the upload."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(
            """
            select project, branch, commit, build_url, processed_at, is_expired, error_code, error_message, run.*
            from upload left join run on run.id = event_id
            where event_id = %s
            """,
            [upload.event_id],
        ).fetchone()
    if row is None:
        return None
    return Recorded(
        upload=upload,
        origin=Origin(
            project=row["project"],
            series=row["series"] or UNKNOWN_SERIES,
            branch=row["branch"],
            commit=row["commit"],
            build_url=row["build_url"],
        ),
        processed_at=row["processed_at"].astimezone(UTC),
        is_expired=row["is_expired"],
        fault=Fault(row["error_code"], row["error_message"]) if row["error_code"] else None,
        run=Run(
            id=upload.event_id,
            series=row["series"],
            totals={name: row[name] for name in TOTALS},
            duration=row["duration_seconds"],
            incomplete_suites=row["incomplete_suites"],
        )
        if row["id"]
        else None,
    )


def record(connection: Connection[Any], upload: Upload, origin: Origin, outcome: UploadOutcome) -> Recorded:
    """Writes the upload and what its report says within the transaction that is open, unless that was done before.

    Returns what stands in the record. Another delivery that is recording the upload at this moment is waited for.
    Raises what reading the report raises.
    """
    recorded = _judged(upload, origin, outcome)
    new = connection.execute(_INSERT, _row(recorded))
    if not new.rowcount and (earlier := find(connection, upload)):
        return earlier
    if not isinstance(outcome, OpenReport):
        return recorded
    run = record_run(connection, upload.event_id, outcome.report, origin=origin, uploaded_at=upload.uploaded_at)
    return replace(recorded, run=run)


def hold(connection: Connection[Any], version: ObjectVersion) -> Upload | None:
    """The upload of this version as it was recorded, or None if it is not, or not any more.

    Until the transaction ends nobody else removes it or records it anew.
    """
    for etag, size, uploaded_at in connection.execute(_HOLD, [version.upload_id]):
        return Upload(
            bucket=version.bucket,
            key=version.key,
            version_id=version.version_id,
            etag=etag,
            size=size,
            uploaded_at=uploaded_at,
        )
    return None


def record_anew(connection: Connection[Any], upload: Upload, origin: Origin, outcome: UploadOutcome) -> Recorded:
    """Writes all of it in the place of what was recorded before, within the transaction that holds the upload.

    Raises what reading the report raises.
    """
    recorded = _judged(upload, origin, outcome)
    report = outcome.report if isinstance(outcome, OpenReport) else None
    run = replace_run(connection, upload.event_id, report, origin=origin, uploaded_at=upload.uploaded_at)
    connection.execute(_UPDATE, _row(recorded))
    return replace(recorded, run=run)


def _judged(upload: Upload, origin: Origin, outcome: UploadOutcome) -> Recorded:
    """Without a run, which is read only when it is recorded."""
    return Recorded(
        upload=upload,
        origin=origin,
        processed_at=datetime.now(UTC),
        is_expired=isinstance(outcome, Expired),
        fault=Fault(outcome.fault.code, str(outcome.fault)) if isinstance(outcome, Faulty) else None,
        run=None,
    )


def _row(recorded: Recorded) -> dict[str, Any]:
    upload, origin, fault = recorded.upload, recorded.origin, recorded.fault
    return {
        "event_id": upload.event_id,
        "bucket": upload.bucket,
        "key": upload.readable_key,
        "version_id": upload.version_id,
        "etag": upload.etag,
        "size": upload.size,
        "kind": upload.kind,
        "uploaded_at": upload.uploaded_at,
        "project": origin.project,
        "branch": origin.branch,
        "commit": origin.commit,
        "build_url": origin.build_url,
        "status": recorded.status,
        "is_expired": recorded.is_expired,
        "error_code": fault and fault.code,
        "error_message": fault and fault.message,
        "processed_at": recorded.processed_at,
    }
