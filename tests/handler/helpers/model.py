"""Runs made up at random, how they are written as JUnit XML, and what has to become of them.

What has to become of them is told here once more, in the words of the rules and by none of the function's code.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from hypothesis import strategies as st

SEVERITY = ["passed", "skipped", "flaky", "failed", "error"]
STATUSES = {
    "skipped": "skipped",
    "failure": "failed",
    "error": "error",
    "flakyFailure": "flaky",
    "flakyError": "flaky",
    "rerunFailure": "failed",
    "rerunError": "error",
}
# As written, what of it identifies a test, and whether the suite does so besides.
FILES: dict[str | None, tuple[str | None, bool]] = {
    None: (None, True),
    "": (None, True),
    "tests/cart.py": ("tests/cart.py", False),
    r".\tests\cart.py": ("tests/cart.py", False),
    "/build/1/cart.py": ("cart.py", True),
    "C:\\build\\2\\cart.py": ("cart.py", True),
}


@dataclass(frozen=True)
class Outcome:
    element: str
    type: str | None = None
    message: str | None = None
    body: str = ""
    in_cdata: bool = False


@dataclass(frozen=True)
class Case:
    file: str | None
    classname: str | None
    name: str
    seconds: float | None = None
    outcomes: tuple[Outcome, ...] = ()
    system_out: str = ""
    system_err: str = ""


@dataclass(frozen=True)
class Suite:
    element: str
    name: str
    file: str | None = None
    seconds: float | None = None
    timestamp: datetime | None = None
    children: tuple[Suite | Case, ...] = ()


class Result(NamedTuple):
    """What PostgreSQL has to say of one test in one run."""

    file: str | None
    suite: str | None
    classname: str | None
    name: str
    status: str
    attempts: int
    seconds: float | None
    type: str | None
    message: str | None
    details: str | None
    system_out: str | None
    system_err: str | None


# Every character that XML 1.0 has, those with a meaning of their own more often.
_characters = st.sampled_from("<>&'\"]\\ \t\n\r\U0001f600") | st.characters(
    exclude_categories=["Cs"], exclude_characters=[*map(chr, {*range(32)} - {9, 10, 13}), "\ufffe", "\uffff"]
)
_text = st.text(_characters, max_size=20) | st.sampled_from(["]]>", "\\N", " a ", "<![CDATA[", "&lt;"])
_optional_text = st.none() | _text
_files = st.sampled_from(list(FILES))
# Sums over eighths are exact.
_seconds = st.none() | st.integers(0, 80_000_000).map(lambda eighths: eighths / 8)
_zones = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_times: list[st.SearchStrategy[datetime]] = [
    st.datetimes(datetime(1972, 1, 1), datetime(9998, 1, 1), timezones=zones)  # noqa: DTZ001 - the bounds have no zone
    for zones in (st.none(), _zones)
]
_timestamps = st.none() | st.one_of(_times)
_outcomes = st.builds(Outcome, st.sampled_from(list(STATUSES)), _optional_text, _optional_text, _text, st.booleans())
# Few names, so that some cases are attempts of one test.
_cases = st.builds(
    Case,
    file=_files,
    classname=st.sampled_from([None, "", "Cart"]) | _text,
    name=st.sampled_from(["adds", "removes"]) | _text,
    seconds=_seconds,
    outcomes=st.lists(_outcomes, max_size=3).map(tuple),
    system_out=_text,
    system_err=_text,
)


def _suites(children: st.SearchStrategy[Suite | Case], element: str = "testsuite") -> st.SearchStrategy[Suite]:
    # What a name with slashes is, is told elsewhere.
    names = st.sampled_from(["", "cart"]) | _text.map(lambda text: text.replace("/", "|").replace("\\", "|"))
    lists = st.lists(children, max_size=4).map(tuple)
    return st.builds(Suite, st.just(element), names, _files, _seconds, _timestamps, lists)


_inner_suites = _suites(_cases | _suites(_cases | _suites(_cases)))
runs = _suites(_cases | _inner_suites) | _suites(_cases | _inner_suites, "testsuites")


def written(node: Suite | Case | Outcome) -> str:
    """The node as JUnit XML."""
    match node:
        case Suite(element, name, file, seconds, timestamp, children):
            known = {"time": _time(seconds), "timestamp": timestamp.isoformat() if timestamp else None, "tests": "7"}
            return _element(element, *map(written, children), name=name, file=file, **known)
        case Case(file, classname, name, seconds, outcomes, system_out, system_err):
            outputs = [_element("system-out", _escaped(system_out)), _element("system-err", _in_cdata(system_err))]
            inner = [*map(written, outcomes), *outputs]
            return _element("testcase", *inner, file=file, classname=classname, name=name, time=_time(seconds))
        case Outcome(element, type, message, body, in_cdata):
            return _element(element, _in_cdata(body) if in_cdata else _escaped(body), type=type, message=message)


def _element(element: str, *inner: str, **attributes: str | None) -> str:
    references = {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
    known = "".join(f" {name}={quoteattr(text, references)}" for name, text in attributes.items() if text is not None)
    return f"<{element}{known}>{''.join(inner)}</{element}>"


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else f"{seconds:,.3f}"


def _escaped(text: str) -> str:
    return escape(text, {"\r": "&#13;"})


def _in_cdata(text: str) -> str:
    return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>').replace(chr(13), ']]>&#13;<![CDATA[')}]]>"


def results(run: Suite) -> list[Result]:
    """What has to become of the cases: one result for each test, and of each suite for tests of one name."""
    namesakes: dict[object, dict[int, list[Result]]] = {}
    for case, number, suite, file in _cases_of(run, itertools.count(), None, None):
        identifying, besides_suite = FILES[file]
        identity = identifying, suite if besides_suite else None, case.classname or None, case.name
        of_suite = namesakes.setdefault(identity, {})
        of_suite.setdefault(number, []).append(_attempt(case, suite, file))
    return [
        _numbered(_merged(attempts), position)
        for of_suite in namesakes.values()
        for position, (_, attempts) in enumerate(sorted(of_suite.items()), start=1)
    ]


def _cases_of(
    suite: Suite, numbers: Iterator[int], path: str | None, file: str | None
) -> Iterator[tuple[Case, int, str | None, str | None]]:
    number = next(numbers)
    if suite.element == "testsuite" and suite.name:
        path = f"{path} > {suite.name}" if path else suite.name
    file = suite.file or file
    for child in suite.children:
        if isinstance(child, Suite):
            yield from _cases_of(child, numbers, path, file)
        else:
            yield child, number, path, child.file or file


def _attempt(case: Case, suite: str | None, file: str | None) -> Result:
    statuses = [STATUSES[outcome.element] for outcome in case.outcomes]
    status = max(statuses, key=SEVERITY.index, default="passed")
    severe = [outcome for outcome in case.outcomes if STATUSES[outcome.element] == status]
    reruns = sum(outcome.element.startswith(("flaky", "rerun")) for outcome in case.outcomes)
    return Result(
        file=file,
        suite=suite,
        classname=case.classname or None,
        name=case.name,
        status=status,
        attempts=1 + reruns,
        seconds=case.seconds,
        type=(severe[0].type or None) if severe else None,
        message=(severe[0].message or None) if severe else None,
        details="\n\n".join(outcome.body for outcome in severe).strip() or None,
        system_out=case.system_out.strip() or None,
        system_err=case.system_err.strip() or None,
    )


def _merged(attempts: list[Result]) -> Result:
    # The first of those that are equally severe.
    most_severe = max(attempts, key=lambda attempt: SEVERITY.index(attempt.status))
    passed_at_last = most_severe.status in {"failed", "error"} and attempts[-1].status in {"passed", "flaky"}
    seconds = [attempt.seconds for attempt in attempts if attempt.seconds is not None]
    return most_severe._replace(
        status="flaky" if passed_at_last else most_severe.status,
        attempts=sum(attempt.attempts for attempt in attempts),
        seconds=sum(seconds) if seconds else None,
    )


def _numbered(result: Result, position: int) -> Result:
    if position == 1:
        return result
    return result._replace(suite=f"{result.suite} #{position}" if result.suite else f"#{position}")


def started_at(run: Suite) -> datetime | None:
    """The earliest timestamp; one without offset is in UTC."""
    timestamps = [
        suite.timestamp if suite.timestamp.tzinfo else suite.timestamp.replace(tzinfo=UTC)
        for suite in _suites_of(run)
        if suite.timestamp
    ]
    return min(timestamps, default=None)


def _suites_of(suite: Suite) -> Iterator[Suite]:
    yield suite
    for child in suite.children:
        if isinstance(child, Suite):
            yield from _suites_of(child)


def seconds(run: Suite) -> float | None:
    """That of the root; else the sum over its suites; else the sum over all cases."""
    if run.seconds is not None:
        return run.seconds
    suites = [child.seconds for child in run.children if isinstance(child, Suite) and child.seconds is not None]
    cases = [case.seconds for case, *_ in _cases_of(run, itertools.count(), None, None) if case.seconds is not None]
    return sum(suites or cases) if suites or cases else None
