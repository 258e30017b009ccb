"""JUnit XML: durations and timestamps."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.reading.limits import MAX_DURATION
from handler.reading.times import number, seconds, timestamp
from tests.handler.helpers.reports import attempt_of, summary_of


@pytest.mark.parametrize(
    ("text", "expected"),
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
        ("604800000000000", 604800000000000),
    ],
)
def test_a_duration_is_a_number(text: str, expected: float) -> None:
    """A comma stands for thousands where Surefire puts it, and for decimals anywhere else."""
    assert number(text) == expected


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
        "1000000000000001",
        "1.234,5",
        "0.1s",
        "1:02",
    ],
)
def test_what_is_no_duration_is_none(text: str | None) -> None:
    """Negative and endless ones come from clocks that were set."""
    assert number(text) is None


@given(st.text("0123456789.,-+eEnaif "))
def test_a_duration_is_sane_or_none(text: str) -> None:
    """Whatever a report writes, sums over it mean something."""
    duration = seconds(text)
    assert duration is None or 0 <= duration <= MAX_DURATION


def test_no_job_runs_for_more_than_a_week() -> None:
    """What is longer is no duration."""
    assert (seconds("604800"), seconds("604801")) == (604800, None)


def test_a_case_has_its_duration() -> None:
    """As it says itself."""
    assert attempt_of("<testcase time='1,234.5'/>").duration == 1234.5


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
        ("2026-01-02 03:04:05 UTC", "2026-01-02T03:04:05+00:00"),
        ("2026-01-02T03:04:05 GMT", "2026-01-02T03:04:05+00:00"),
        ("Sat, 03 Dec 2022 23:10:07 GMT", "2022-12-03T23:10:07+00:00"),
        ("Sat, 03 Dec 2022 23:10:07 +0530", "2022-12-03T17:40:07+00:00"),
        ("3 Dec 2022 23:10:07 GMT", "2022-12-03T23:10:07+00:00"),
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
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Sat, 99 Dec 2022 23:10:07 GMT",
        "UTC",
        "2022-12-03T23:10:07" + " " * 99 + "Z",
        "0001-01-01T00:00:00+05:00",
        "9999-12-31T23:59:59-05:00",
    ],
)
def test_what_is_no_time_is_none(text: str | None) -> None:
    """Nor is the zero of a runner that does not know it."""
    assert timestamp(text) is None


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        ("<testsuites time='9'><testsuite time='1'><testcase time='2'/></testsuite></testsuites>", 9),
        ("<testsuite time='9'><testsuite time='1'/></testsuite>", 9),
        ("<testsuites time='0'><testsuite time='1'/></testsuites>", 1),
        ("<testsuites time='0'><testcase/></testsuites>", 0),
        ("<testsuites><testsuite time='1'/><testsuite time='2'/><testsuite/></testsuites>", 3),
        ("<testsuites><testsuite time='1'><testsuite time='5'/></testsuite></testsuites>", 1),
        ("<testsuites><testsuite time='1'/><testsuite><testcase time='2'/></testsuite></testsuites>", 3),
        ("<testsuites><testsuite><testsuite time='1'/><testcase time='2'/></testsuite></testsuites>", 3),
        ("<testsuites time=''><testsuite time='NaN'/><testcase time='1'/><testcase time='2'/></testsuites>", 3),
        ("<testsuites><testsuite time='0'/><testcase time='1'/></testsuites>", 1),
        ("<testsuites><testsuite><testcase/></testsuite></testsuites>", None),
        ("<testsuites time='1e9'><testsuite time='2'/></testsuites>", 2),
        ("<testsuites><testcase time='7'/><testcase time='8'/><testcase time='1e9'/></testsuites>", 15),
    ],
)
def test_a_suite_that_does_not_say_how_long_it_took_is_the_sum_of_what_it_holds(
    xml: str, expected: float | None
) -> None:
    """So is the report; many write 0 for what they did not measure."""
    assert summary_of(xml).duration == expected


def timed(suite: str, *cases: str) -> str:
    written = "".join(f"<testcase time='{duration}'/>" for duration in cases)
    return f"<testsuites><testsuite time='{suite}'>{written}</testsuite></testsuites>"


@pytest.mark.parametrize(
    ("xml", "unit"),
    [
        (timed("3", "1", "2"), 1),
        (timed("0.004", "0.003"), 1),
        (timed("0.01", "0.06"), 1),
        (timed("2", "1.9", "1.9", "1.9", "1.9"), 1),
        (timed("0", "7", "8"), 1),
        (timed("", "7", "8"), 1),
        (timed("3", "1000", "2000"), 1e-3),
        (timed("0.5", *["5"] * 100), 1e-3),
        (timed("3.2", "150"), 1e-3),
        (timed("2", "36"), 1),
        (timed("3", "1000000", "2000000"), 1e-6),
        (timed("3", "1000000000", "2000000000"), 1e-9),
        (timed("0.001", "604800000000000"), None),
        (timed("", "1000000000", "2000000"), None),
        (timed("", "1000000000", "1", "2"), 1),
        (timed("", "604801", "604800"), 1),
        (timed("", "604801", "604801", "604800"), None),
        (timed("0.01", "0.08"), 1),
        (timed("10", "1600000000", "3"), 1),
        (timed("10", "1600000000", "3", "2"), 1),
        (timed("10", "6000000000", "700000000"), 1e-9),
        (timed("1000000000", "999638317", "250000", "180000"), None),
        (timed("900000", "400000", "300000", "200000"), None),
        (f"<testsuites time='900000'>{timed('3', '1000')}</testsuites>", 1e-3),
        (timed("0.01", "0.36"), 1e-3),
        (timed("1", "30"), 1),
        (timed("1", "33"), None),
        (timed("1", "34"), 1e-3),
        (timed("1", "40"), 1e-3),
        (timed("1", "4", *["3"] * 32), 1),
        (timed("1", "4", *["3"] * 33), 1e-3),
        (
            "<testsuites time='3'><testsuite><testcase time='1000'/><testcase time='2000'/></testsuite></testsuites>",
            1e-3,
        ),
        (f"<testsuites>{timed('0.01', '0.07')}{timed('0.01', '0.07')}{timed('0.01', '0.07')}</testsuites>", 1),
        ("<testsuites/>", 1),
        (f"<testsuites>{timed('3', '1000')}{timed('', '2000')}</testsuites>", 1e-3),
    ],
)
def test_a_unit_that_is_not_the_second_is_recognised(xml: str, unit: float | None) -> None:
    """No case takes longer than its suite, however many run side by side; nor do most of them take weeks."""
    assert summary_of(xml).duration_unit == unit


def test_the_duration_of_a_report_has_the_unit_of_its_cases_where_they_tell_it() -> None:
    """And only there."""
    other = "<testsuite><testcase time='4000'/></testsuite>"
    assert summary_of(f"<testsuites>{timed('3', '1000')}{other}</testsuites>").duration == 7
    assert summary_of("<testsuites><testcase time='1000000000'/></testsuites>").duration is None


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
        (
            "<testsuites><testcase timestamp='2026-01-03'/><testcase timestamp='2026-01-02'/></testsuites>",
            "2026-01-02T00:00:00+00:00",
        ),
        (
            "<testsuite timestamp='2026-01-03'><testcase timestamp='2026-01-02'/></testsuite>",
            "2026-01-03T00:00:00+00:00",
        ),
        (
            "<testsuites><testsuite><testcase timestamp='2026-01-02'/></testsuite>"
            "<testsuite timestamp='2026-01-03'/></testsuites>",
            "2026-01-03T00:00:00+00:00",
        ),
        (
            "<testsuite timestamp='0001-01-01'><testcase timestamp='2026-01-02'/></testsuite>",
            "2026-01-02T00:00:00+00:00",
        ),
    ],
)
def test_a_report_started_with_its_earliest_suite(xml: str, started_at: str | None) -> None:
    """Suites may run side by side, in any order; cases are asked where no suite says it."""
    assert summary_of(xml).started_at == (started_at and datetime.fromisoformat(started_at))
