"""An upload: what became of it, and if it was refused, what to do."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from handler.notifications import upload_id
from handler.showing.faults import FAULTS, Advice
from handler.showing.models import RunReference
from handler.showing.reading import Reading
from handler.showing.uploads import Upload, UploadHealth, find_upload, health, select_uploads

# Refused uploads of the project that are named.
_REFUSED = 20

_RUN_BEFORE = """
    select event_id as id, upload.branch, upload.commit, uploaded_at
    from upload
    join history.run using (event_id)
    where upload.project = %s and uploaded_at < %s
    order by uploaded_at desc
    limit 1
"""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """`upload_id`: the `event_id` of its event."""

    upload_id: UUID


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What S3 calls the upload: a PUT answers with its version id. The key as it is, not encoded for URLs."""

    bucket: str
    key: str
    version_id: str


@dataclass(frozen=True, kw_only=True)
class UploadPage:
    """An upload. The rest is said of one that was refused: `run_before` is the project's latest that was read before.

    `refused`: of the project, the latest in the 30 days up to now. `advice` is None for a fault that is not known here.
    """

    upload: Upload
    advice: Advice | None
    run_before: RunReference | None
    health: UploadHealth | None
    refused: list[Upload]

    @property
    def all_advice(self) -> Collection[Advice]:
        """For every fault that there is."""
        return FAULTS.values()


def read(reading: Reading, inputs: Inputs) -> UploadPage:
    """Raises NotRecorded."""
    upload = find_upload(reading, inputs.upload_id)
    if upload.error_code is None:
        return UploadPage(upload=upload, advice=None, run_before=None, health=None, refused=[])
    return UploadPage(
        upload=upload,
        advice=FAULTS.get(upload.error_code),
        run_before=reading.row(RunReference, _RUN_BEFORE, [upload.project, upload.uploaded_at]),
        health=next(iter(health(reading, upload.project)), None),
        refused=select_uploads(
            reading,
            "where upload.project = %(project)s and status = 'error' and uploaded_at >= now() - interval '30 days'"
            " order by uploaded_at desc, upload.event_id desc",
            {"project": upload.project, "limit": _REFUSED},
        ),
    )


def read_by_identity(reading: Reading, inputs: Identity) -> UploadPage:
    """Raises NotRecorded."""
    return read(reading, Inputs(upload_id=upload_id(inputs.bucket, inputs.key, inputs.version_id)))
