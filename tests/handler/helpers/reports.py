"""How the tests read a JUnit report."""

import io

from handler.reading.junit import JUnitReport
from handler.reading.report import Attempt


def report_of(xml: str, *, project: str = "shop") -> JUnitReport:
    return JUnitReport(io.BytesIO(xml.encode()), gzipped=False, project=project)


def attempts_of(xml: str) -> list[Attempt]:
    return list(report_of(xml))


def attempt_of(case: str) -> Attempt:
    """The attempt that this only case of a report tells of."""
    [attempt] = attempts_of(f"<testsuites><testsuite name='cart'>{case}</testsuite></testsuites>")
    return attempt
