"""What became of an upload's content."""

from __future__ import annotations

from dataclasses import dataclass

from handler.errors import PermanentFault
from handler.reading.report import Report


@dataclass(frozen=True)
class OpenReport:
    """A report that is yet to be read, which happens while it is recorded and may still raise a PermanentFault."""

    report: Report


@dataclass(frozen=True)
class Faulty:
    """A report that cannot be read, or an object that is gone."""

    fault: PermanentFault


@dataclass(frozen=True)
class Artifact:
    """Anything else: it is not read."""


@dataclass(frozen=True)
class Expired:
    """A report that is past its retention already: it is not read."""


UploadOutcome = OpenReport | Faulty | Artifact | Expired
