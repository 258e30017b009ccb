"""The record of uploads: what became of each version of each object."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from psycopg import Connection
from psycopg.rows import dict_row

from handler.notifications import Upload
from handler.origin import UNKNOWN_SERIES, Origin
from handler.outcome import Expired, Faulty, OpenReport, UploadOutcome
from handler.recording.results import TOTALS, Run, record_run


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
    fault = Fault(outcome.fault.code, str(outcome.fault)) if isinstance(outcome, Faulty) else None
    processed_at = datetime.now(UTC)
    is_expired = isinstance(outcome, Expired)
    new = connection.execute(
        """
        insert into upload (event_id, bucket, key, version_id, etag, size, kind, uploaded_at,
                            project, branch, commit, build_url,
                            status, is_expired, error_code, error_message, processed_at)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        on conflict do nothing
        """,
        [
            upload.event_id,
            upload.bucket,
            upload.readable_key,
            upload.version_id,
            upload.etag,
            upload.size,
            upload.kind,
            upload.uploaded_at,
            origin.project,
            origin.branch,
            origin.commit,
            origin.build_url,
            "error" if fault else "success",
            is_expired,
            fault and fault.code,
            fault and fault.message,
            processed_at,
        ],
    )
    if not new.rowcount and (earlier := find(connection, upload)):
        return earlier
    run = None
    if isinstance(outcome, OpenReport):
        run = record_run(connection, upload.event_id, outcome.report, origin=origin, uploaded_at=upload.uploaded_at)
    return Recorded(
        upload=upload, origin=origin, processed_at=processed_at, is_expired=is_expired, fault=fault, run=run
    )
