"""What a schedule uploads: small reports of a few projects whose tests overlap, broken ones, and what is no report."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from hypothesis import strategies as st

from tests.chaos.checker import STATUSES
from tests.handler.helpers.recorder import case

Kind = Literal["report", "gzipped", "artifact", "broken_off", "not_junit", "bad_gzip", "deleted"]

# The key's last name, and the code of the fault, of each kind.
_KINDS: dict[Kind, tuple[str, str | None]] = {
    "report": ("unit.xml", None),
    "gzipped": ("unit.xml.gz", None),
    "artifact": ("picture.png", None),
    # In the middle of its tests, some of which are in the database already.
    "broken_off": ("unit.xml", "not_xml"),
    "not_junit": ("unit.xml", "not_junit"),
    "bad_gzip": ("unit.xml.gz", "bad_gzip"),
    "deleted": ("unit.xml", "not_found"),
}
# In minutes, since when it is uploaded. Those of a month and of more than the retention are days late, or come again.
_AGES = (0, 0, 0, 0, 1, 2, 60, 2 * 1440, 8 * 1440, 29 * 1440, 31 * 1440, 100 * 1440)
# S3 may show an upload late: only after a while it is taken for deleted.
_DELETED_AGES = (60, 1440)
# More than a tile of durations has, and than one message of COPY holds.
_MANY = 600


@dataclass(frozen=True, kw_only=True)
class Upload:
    """`build` is a folder of the key: a second upload of the same build is another version of the same object."""

    project: str = "shop"
    build: int = 1
    kind: Kind = "report"
    job: str | None = None
    branch: str | None = None
    commit: str | None = None
    minutes_ago: int = 0
    results: Mapping[str, tuple[str, float | None]] = field(default_factory=dict)
    is_long: bool = False

    @property
    def key(self) -> str:
        return f"{self.project}/{self.build}/{_KINDS[self.kind][0]}"

    @property
    def series(self) -> str:
        return self.job or _KINDS[self.kind][0].removesuffix(".gz")

    @property
    def error_code(self) -> str | None:
        return _KINDS[self.kind][1]

    @property
    def age(self) -> timedelta:
        return timedelta(minutes=self.minutes_ago)

    @property
    def metadata(self) -> dict[str, str]:
        said = {"tap-job": self.job, "tap-branch": self.branch, "tap-commit": self.commit}
        return {name: value for name, value in said.items() if value is not None}

    @property
    def all_results(self) -> dict[str, tuple[str, float | None]]:
        """The status of each test, and how long it took."""
        others = {f"other {number}": ("passed", 0.125) for number in range(_MANY if self.is_long else 0)}
        return {**others, **self.results}

    @property
    def content(self) -> bytes:
        cases = (
            case(status, name) if seconds is None else case(status, name, time=seconds)
            for name, (status, seconds) in self.all_results.items()
        )
        report = f"<testsuite>{''.join(cases)}</testsuite>".encode()
        match self.kind:
            case "gzipped":
                return gzip.compress(report)
            case "broken_off":
                return report.removesuffix(b"</testsuite>")
            case "not_junit":
                return b"<html/>"
            case "artifact":
                return b"\x89PNG"
        return report


_names = st.sampled_from([f"test {number}" for number in range(6)])
_statuses = st.sampled_from(STATUSES)
_seconds = st.sampled_from([0.25, None, 0.5, 4.0])
_kinds: st.SearchStrategy[Kind] = st.sampled_from(["report"] * 10 + list(_KINDS))


@st.composite
def uploads(draw: st.DrawFn) -> Upload:
    kind = draw(_kinds)
    return Upload(
        project=draw(st.sampled_from(["shop", "shop", "web", "docs"])),
        build=draw(st.integers(1, 3)),
        kind=kind,
        job=draw(st.sampled_from([None, None, "linux"])),
        branch=draw(st.sampled_from(["main", "main", None])),
        commit=draw(st.sampled_from(["c1", "c2", None])),
        minutes_ago=draw(st.sampled_from(_DELETED_AGES if kind == "deleted" else _AGES)),
        results=draw(st.dictionaries(_names, st.tuples(_statuses, _seconds), min_size=1, max_size=4)),
        is_long=draw(st.integers(0, 19)) == 19,
    )
