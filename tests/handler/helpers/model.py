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
# What each element makes of its case, and what the attempt that it tells of came to.
STATUSES = {
    "skipped": ("skipped", "skipped"),
    "failure": ("failed", "failed"),
    "error": ("error", "error"),
    "flakyFailure": ("flaky", "failed"),
    "flakyError": ("flaky", "error"),
    "rerunFailure": ("failed", "failed"),
    "rerunError": ("error", "error"),
}
# A suite whose cases of one name are reruns.
PYTEST = "pytest"
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
    hostname: str | None = None
    seconds: float | None = None
    timestamp: datetime | None = None
    children: tuple[Suite | Case, ...] = ()


class Result(NamedTuple):
    """What PostgreSQL has to say of one test in one run."""

    file: str | None
    suite: str | None
    variant: str | None
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
    outcomes: list[dict[str, str]] | None


# Every character that XML 1.0 has, those with a meaning of their own more often.
_characters = st.sampled_from("<>&'\"]\\ \t\n\r\U0001f600") | st.characters(
    exclude_categories=["Cs"], exclude_characters=[*map(chr, {*range(32)} - {9, 10, 13}), "\ufffe", "\uffff"]
)
_text = st.text(_characters, max_size=20) | st.sampled_from(["]]>", "\\N", " a ", "<![CDATA[", "&lt;"])
_optional_text = st.none() | _text
_files = st.sampled_from(list(FILES))
# Sums over eighths are exact. No case takes longer than its suite.
_seconds = st.none() | st.integers(0, 8_000).map(lambda eighths: eighths / 8)
_suite_seconds = st.none() | st.just(0.0) | st.integers(8_000, 800_000).map(lambda eighths: eighths / 8)
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
    names = st.sampled_from(["", "cart", PYTEST]) | _text.map(lambda text: text.replace("/", "|").replace("\\", "|"))
    lists = st.lists(children, max_size=4).map(tuple)
    hosts = st.sampled_from([None, "", "ci-1", "ci-2"])
    return st.builds(Suite, st.just(element), names, _files, hosts, _suite_seconds, _timestamps, lists)


_inner_suites = _suites(_cases | _suites(_cases | _suites(_cases)))
runs = _suites(_cases | _inner_suites) | _suites(_cases | _inner_suites, "testsuites")


def written(node: Suite | Case | Outcome) -> str:
    """The node as JUnit XML."""
    match node:
        case Suite(element, name, file, hostname, seconds, timestamp, children):
            known = {"time": _time(seconds), "timestamp": timestamp.isoformat() if timestamp else None, "tests": "7"}
            return _element(element, *map(written, children), name=name, file=file, hostname=hostname, **known)
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
    """What has to become of the cases: a result for each test, whose cases of one name are reruns in some suites."""
    alike: dict[object, list[_Found]] = {}
    for found in _cases_of(run, itertools.count(), None, None, ""):
        identifying, besides_suite = FILES[found.suite_file]
        # What pytest calls its suite is an option: the class tells where its tests stand.
        besides_suite = besides_suite and not (found.in_pytest and found.case.classname)
        identity = identifying, found.path if besides_suite else None, found.case.classname or None, found.case.name
        alike.setdefault(identity, []).append(found)
    return [result for cases in alike.values() for result in _told_apart(cases)]


class _Found(NamedTuple):
    """A case, and the suite in which it was found."""

    case: Case
    suite: int
    path: str | None
    suite_file: str | None
    host: str
    in_pytest: bool

    @property
    def reruns(self) -> bool:
        """Whether others of its name in its suite are reruns of the same test."""
        return self.in_pytest and self.case.name != ""


def _told_apart(alike: list[_Found]) -> Iterator[Result]:
    """By the host, if there are several, and by a number."""
    hosts = sorted({found.host for found in alike})
    for host in hosts:
        label = f"@{host}" if len(hosts) > 1 and host else None
        # Reruns are one test, every other case is one by itself.
        tests: dict[object, list[_Found]] = {}
        for position, found in enumerate(found for found in alike if found.host == host):
            tests.setdefault((found.suite, 0 if found.reruns else position), []).append(found)
        for number, cases in enumerate(tests.values(), start=1):
            numbered = None if number == 1 else f"#{number}"
            variant = " ".join(filter(None, [label, numbered])) or None
            yield _merged([_attempt(found) for found in cases])._replace(variant=variant)


def _cases_of(suite: Suite, numbers: Iterator[int], path: str | None, file: str | None, host: str) -> Iterator[_Found]:
    number = next(numbers)
    if suite.element == "testsuite" and suite.name:
        path = f"{path} > {suite.name}" if path else suite.name
    file, host = suite.file or file, suite.hostname or host
    for child in suite.children:
        if isinstance(child, Suite):
            yield from _cases_of(child, numbers, path, file, host)
        else:
            yield _Found(child, number, path, file, host, in_pytest=suite.name == PYTEST)


def _attempt(found: _Found) -> Result:
    case = found.case
    made = [STATUSES[outcome.element][0] for outcome in case.outcomes]
    status = max(made, key=SEVERITY.index, default="passed")
    first = case.outcomes[made.index(status)] if made else Outcome("")
    outcomes = [_known(status=STATUSES[it.element][1], **_texts(it)) for it in case.outcomes]
    return Result(
        file=case.file or found.suite_file,
        suite=found.path,
        variant=None,
        classname=case.classname or None,
        name=case.name,
        status=status,
        attempts=1 + sum(outcome.element.startswith(("flaky", "rerun")) for outcome in case.outcomes),
        seconds=case.seconds,
        **_texts(first),
        system_out=case.system_out.strip() or None,
        system_err=case.system_err.strip() or None,
        outcomes=outcomes if len(outcomes) > 1 or status == "flaky" else None,
    )


def _texts(outcome: Outcome) -> dict[str, str | None]:
    return {
        "type": outcome.type or None,
        "message": outcome.message or None,
        "details": outcome.body.strip() or None,
    }


def _known(**texts: str | None) -> dict[str, str]:
    return {name: text for name, text in texts.items() if text is not None}


def _merged(attempts: list[Result]) -> Result:
    if len(attempts) == 1:
        return attempts[0]
    ran = [attempt for attempt in attempts if attempt.status != "skipped"]
    # The first of those that are equally severe.
    first = max(ran or attempts, key=lambda attempt: SEVERITY.index(attempt.status))
    status = first.status
    if ran and ran[-1].status in {"passed", "flaky"}:
        status = "passed" if status == "passed" else "flaky"
    elif ran:
        status = max((attempt.status for attempt in ran), key=SEVERITY.index)
    seconds = [attempt.seconds for attempt in attempts if attempt.seconds is not None]
    outcomes = [outcome for attempt in attempts for outcome in _outcomes_of(attempt)]
    return first._replace(
        status=status,
        attempts=sum(attempt.attempts for attempt in attempts),
        seconds=sum(seconds) if seconds else None,
        outcomes=outcomes if len(outcomes) > 1 or (outcomes and first.status == "passed") else None,
    )


def _outcomes_of(attempt: Result) -> list[dict[str, str]]:
    outputs = _known(system_out=attempt.system_out, system_err=attempt.system_err)
    if attempt.outcomes:
        first, *others = attempt.outcomes
        return [{**outputs, **first}, *others]
    if attempt.status == "passed":
        return []
    texts = {name: getattr(attempt, name) for name in ("type", "message", "details")}
    return [_known(status=attempt.status, **texts) | outputs]


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


def seconds(suite: Suite) -> float | None:
    """Its own, or, if it does not know, the sum over what it holds."""
    within = [child.seconds if isinstance(child, Case) else seconds(child) for child in suite.children]
    known = [duration for duration in within if duration is not None]
    return suite.seconds if suite.seconds or not known else sum(known)
