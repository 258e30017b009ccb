"""JUnit XML: durations and timestamps."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.reading.junit import duration, timestamp
from tests.handler.helpers.reports import attempt_of, report_of


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("0.123", 0.123),
        (" 7.5 ", 7.5),
        (".5", 0.5),
        ("1e-05", 0.00001),
        ("1,234.5", 1234.5),
        ("1,234", 1234.0),
        ("1,234,567.89", 1234567.89),
        ("0,123", 0.123),
        ("12,5", 12.5),
        ("1234,567", 1234.567),
        ("1e9", 1e9),
    ],
)
def test_a_duration_is_in_seconds(text: str, seconds: float) -> None:
    """A comma stands for thousands where Surefire puts it, and for decimals anywhere else."""
    assert duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        " ",
        "NaN",
        "nan",
        "-0.001",
        "-1,234.5",
        "inf",
        "-inf",
        "1e400",
        "1000000001",
        "1.234,5",
        "0.1s",
        "1:02",
    ],
)
def test_what_is_no_duration_is_none(text: str | None) -> None:
    """Negative and endless ones come from clocks that were set."""
    assert duration(text) is None


@given(st.text("0123456789.,-+eEnaif "))
def test_a_duration_is_sane_or_none(text: str) -> None:
    """Whatever a report writes, sums over it mean something."""
    seconds = duration(text)
    assert seconds is None or 0 <= seconds <= 1e9


def test_a_case_has_its_duration() -> None:
    """As it says itself."""
    assert attempt_of("<testcase time='1,234.5'/>").duration_seconds == 1234.5


@pytest.fixture
def in_india(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The clock of a machine in another time zone."""
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Asia/Kolkata")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-02T03:04:05", "2026-01-02T03:04:05+00:00"),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05+00:00"),
        ("2026-01-02T03:04:05+05:30", "2026-01-01T21:34:05+00:00"),
        ("2026-01-02T03:04:05.678-08:00", "2026-01-02T11:04:05.678+00:00"),
        ("2026-01-02T03:04:05.678901234", "2026-01-02T03:04:05.678901+00:00"),
        (" 2026-01-02 03:04:05 ", "2026-01-02T03:04:05+00:00"),
        ("2026-01-02", "2026-01-02T00:00:00+00:00"),
        ("1971-01-01T00:00:00", "1971-01-01T00:00:00+00:00"),
    ],
)
def test_a_timestamp_without_offset_is_in_utc(in_india: None, text: str, moment: str) -> None:
    """One with an offset is the same moment in UTC, and where the function runs does not matter."""
    assert timestamp(text) == datetime.fromisoformat(moment)
    assert timestamp(text).tzinfo is UTC  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "yesterday",
        "2026-02-30T00:00:00",
        "1767323045",
        "1970-12-31T23:59:59",
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+05:00",
        "9999-12-31T23:59:59-05:00",
    ],
)
def test_what_is_no_time_is_none(text: str | None) -> None:
    """Nor is the zero of a runner that does not know it."""
    assert timestamp(text) is None


@pytest.mark.parametrize(
    ("xml", "seconds"),
    [
        ("<testsuites time='9'><testsuite time='1'><testcase time='2'/></testsuite></testsuites>", 9),
        ("<testsuite time='9'><testsuite time='1'/></testsuite>", 9),
        ("<testsuites time='0'><testsuite time='1'/></testsuites>", 0),
        ("<testsuites><testsuite time='1'/><testsuite time='2'/><testsuite/></testsuites>", 3),
        ("<testsuites><testsuite time='1'><testsuite time='5'/></testsuite></testsuites>", 1),
        ("<testsuites time=''><testsuite time='NaN'/><testcase time='1'/><testcase time='2'/></testsuites>", 3),
        ("<testsuites><testsuite time='0'/><testcase time='1'/></testsuites>", 0),
        ("<testsuites><testsuite><testcase/></testsuite></testsuites>", None),
    ],
)
def test_the_duration_of_a_report_is_the_outermost_that_is_known(xml: str, seconds: float | None) -> None:
    """The root's; else the sum over its suites, or over the cases."""
    report = report_of(xml)
    list(report)
    assert report.duration == seconds


@pytest.mark.parametrize(
    ("xml", "started_at"),
    [
        ("<testsuites/>", None),
        ("<testsuites timestamp='2026-01-02'/>", "2026-01-02T00:00:00+00:00"),
        (
            "<testsuites><testsuite timestamp='2026-01-02'/><testsuite timestamp='2026-01-01'/></testsuites>",
            "2026-01-01T00:00:00+00:00",
        ),
        (
            "<testsuites timestamp='2026-01-02'><testsuite timestamp='2026-01-03'/></testsuites>",
            "2026-01-02T00:00:00+00:00",
        ),
        (
            "<testsuites timestamp='0001-01-01'><testsuite timestamp='2026-01-03'/></testsuites>",
            "2026-01-03T00:00:00+00:00",
        ),
        ("<testsuites><testcase timestamp='2026-01-03'/></testsuites>", None),
    ],
)
def test_a_report_started_with_its_earliest_suite(xml: str, started_at: str | None) -> None:
    """Suites may run side by side, in any order."""
    report = report_of(xml)
    list(report)
    assert report.started_at == (started_at and datetime.fromisoformat(started_at))
