"""Records a large report and prints how many bytes of memory that took at most.

A process of its own, so that neither pytest nor other tests weigh in:
`python -m tests.handler.helpers.large_report <MiB of the report> <libpq connection string>`.
"""

from __future__ import annotations

import sys

import psutil
import psycopg

from handler.reading.junit import JUnitReport
from tests.handler.helpers.recorder import Recorder, case

_LOG = "2026-01-02 03:04:05 INFO cart: waiting for the shop to answer\n" * 200
_TRACE = "  at com.example.Cart.adds(Cart.java:7)\n" * 40
_CASES = (
    "".join(case("passed", f"adds {{0}}/{number}", time=0.25) for number in range(20))
    + f'<testcase name="pays {{0}}" time="1.5"><failure message="declined">{_TRACE}</failure></testcase>'
    + f'<testcase name="logs {{0}}"><system-out>{_LOG}</system-out></testcase>'
)


class LargeReport:
    """A report of some MiB, made up while it is read; `peak` is the memory (bytes) at its fullest meanwhile."""

    def __init__(self, mib: int) -> None:
        self._bytes_left = mib * 1024 * 1024
        self._cases = 0
        self._rest = b"<testsuites>"
        self._process = psutil.Process()
        self.peak = 0

    def read(self, size: int, /) -> bytes:
        self.peak = max(self.peak, self._process.memory_info().rss)
        while self._bytes_left > 0 and len(self._rest) < size:
            self._add(_CASES.format(self._cases))
            self._cases += 1
            if self._bytes_left <= 0:
                self._add("</testsuites>")
        chunk, self._rest = self._rest[:size], self._rest[size:]
        return chunk

    def _add(self, xml: str) -> None:
        self._rest += xml.encode()
        self._bytes_left -= len(xml)


def main(mib: str, connection_string: str) -> None:
    report = LargeReport(int(mib))
    with psycopg.connect(connection_string, autocommit=True) as connection:
        run = Recorder(connection).record_report(
            JUnitReport(report, gzipped=False, project=f"{mib} MiB"), project=f"{mib} MiB"
        )
    assert run.totals["tests"] > 0
    print(report.peak)


if __name__ == "__main__":
    main(*sys.argv[1:])
