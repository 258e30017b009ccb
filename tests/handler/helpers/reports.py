"""How the tests read a JUnit report."""

import io

from handler.reading.identity import Identities
from handler.reading.junit import JUnitReport
from handler.reading.report import NO_OUTCOME, Attempt, Repeats, Status, SuiteOutput, Summary

NOTHING_KNOWN = Attempt(
    test_id=Identities("shop").test_id(None, None, None, ""),
    suite_number=1,
    repeats=Repeats.other_tests,
    hostname=None,
    file=None,
    line=None,
    suite=None,
    classname=None,
    name="",
    status=Status.passed,
    attempts=1,
    duration=None,
    type=NO_OUTCOME.type,
    message=NO_OUTCOME.message,
    details=NO_OUTCOME.details,
    system_out=None,
    system_err=None,
    outcomes=[],
    properties={},
    attachments=[],
)


def report_of(xml: str, *, project: str = "shop") -> JUnitReport:
    return JUnitReport(io.BytesIO(xml.encode()), gzipped=False, project=project)


def said_by(xml: str) -> list[Attempt | SuiteOutput]:
    return list(report_of(xml).read())


def attempts_of(xml: str) -> list[Attempt]:
    return [said for said in said_by(xml) if isinstance(said, Attempt)]


def attempt_of(case: str) -> Attempt:
    """The attempt that this only case of a report tells of."""
    [attempt] = attempts_of(f"<testsuites><testsuite name='cart'>{case}</testsuite></testsuites>")
    return attempt


def summary_of(xml: str) -> Summary:
    report = report_of(xml)
    for _ in report.read():
        pass
    return report.summary()
