"""Reports as three test runners write them: pytest, Playwright or Vitest, and Maven Surefire."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from xml.sax.saxutils import escape, quoteattr


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why an attempt did not pass. `element`: `failure` or `error`."""

    message: str
    details: str
    type: str = ""
    element: str = "failure"
    system_out: str = ""
    attachments: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Case:
    """A test in a run: the attempts that failed, in order, and whether a last one passed. `seconds` of each attempt."""

    file: str
    classname: str
    name: str
    seconds: float
    line: int = 1
    failures: Sequence[Failure] = ()
    passes: bool = True
    skipped: str = ""
    system_out: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)


def pytest_report(
    cases: Iterable[Case], *, at: datetime, hostname: str, properties: Mapping[str, str], system_out: str = ""
) -> str:
    """With `junit_family = xunit1`, and each attempt as a case of its own."""
    written = [
        (case, attempt)
        for case in cases
        for attempt in [*case.failures, *([None] if case.passes or case.skipped else [])]
    ]
    failed = [attempt.element for _, attempt in written if attempt]
    body = "".join(_pytest_case(case, attempt) for case, attempt in written)
    output = f"<system-out>{escape(system_out)}</system-out>" if system_out else ""
    attributes = _attributes(
        name="pytest",
        errors=failed.count("error"),
        failures=failed.count("failure"),
        skipped=sum(bool(case.skipped) for case, _ in written),
        tests=len(written),
        time=f"{sum(case.seconds for case, _ in written) * 1.04:.3f}",
        timestamp=at.isoformat(),
        hostname=hostname,
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests">'
        f"<testsuite{attributes}>{_properties(properties)}{body}{output}</testsuite></testsuites>"
    )


def _pytest_case(case: Case, attempt: Failure | None) -> str:
    attributes = _attributes(
        classname=case.classname, name=case.name, file=case.file, line=case.line, time=f"{case.seconds:.3f}"
    )
    inner = _properties(case.properties)
    if attempt:
        inner += (
            f"<{attempt.element}{_attributes(message=attempt.message)}>{escape(attempt.details)}</{attempt.element}>"
        )
    elif case.skipped:
        inner += (
            f"<skipped{_attributes(type='pytest.skip', message=case.skipped)}>"
            f"{escape(f'{case.file}:{case.line}: {case.skipped}')}</skipped>"
        )
    output = attempt.system_out if attempt else case.system_out
    inner += f"<system-out>{escape(output)}</system-out>" if output else ""
    return f"<testcase{attributes}>{inner}</testcase>"


def playwright_report(cases: Iterable[Case], *, at: datetime, browser: str) -> str:
    """With `includeRetries: true`; `browser` is the project in Playwright's configuration."""
    suites = []
    for file, of_file in itertools.groupby(cases, key=lambda case: case.file):
        members = list(of_file)
        attributes = _attributes(
            name=file,
            timestamp=at.isoformat(),
            hostname=browser,
            tests=len(members),
            failures=sum(not case.passes for case in members),
            skipped=sum(bool(case.skipped) for case in members),
            time=f"{sum(case.seconds for case in members):.3f}",
            errors=0,
        )
        suites.append(f"<testsuite{attributes}>\n{''.join(map(_playwright_case, members))}</testsuite>\n")
    return f'<testsuites id="" name="">\n{"".join(suites)}</testsuites>'


def _playwright_case(case: Case) -> str:
    attributes = _attributes(name=case.name, classname=case.file, time=f"{case.seconds:.3f}")
    inner = _properties(case.properties) + _playwright_output(case.system_out, ())
    if case.skipped:
        inner += "<skipped>\n</skipped>\n"
    for nth, attempt in enumerate(case.failures):
        described = _attributes(message=attempt.message, type=attempt.type)
        output = _playwright_output(attempt.system_out, attempt.attachments)
        if case.passes or nth:
            element = f"{'flaky' if case.passes else 'rerun'}{attempt.element.capitalize()}"
            trace = f"<stackTrace>\n{_cdata(attempt.details)}\n</stackTrace>\n"
            inner += f"<{element}{described}>\n{trace}{output}</{element}>\n"
        else:
            inner += f"{output}<{attempt.element}{described}>\n{_cdata(attempt.details)}\n</{attempt.element}>\n"
    return f"<testcase{attributes}>\n{inner}</testcase>\n"


def _playwright_output(system_out: str, attachments: Sequence[str]) -> str:
    lines = [*([system_out] if system_out else []), *(f"[[ATTACHMENT|{path}]]" for path in attachments)]
    return "<system-out>\n" + _cdata("\n\n".join(lines) + "\n") + "\n</system-out>\n" if lines else ""


def vitest_report(cases: Iterable[Case], *, at: datetime, hostname: str) -> str:
    suites = []
    for file, of_file in itertools.groupby(cases, key=lambda case: case.file):
        members = list(of_file)
        attributes = _attributes(
            name=file,
            timestamp=at.isoformat(),
            hostname=hostname,
            tests=len(members),
            failures=sum(not case.passes for case in members),
            errors=0,
            skipped=sum(bool(case.skipped) for case in members),
            time=f"{sum(case.seconds for case in members):.9f}",
        )
        suites.append(f"    <testsuite{attributes}>\n{''.join(map(_vitest_case, members))}    </testsuite>\n")
    return f'<?xml version="1.0" encoding="UTF-8" ?>\n<testsuites name="vitest tests">\n{"".join(suites)}</testsuites>'


def _vitest_case(case: Case) -> str:
    attributes = _attributes(classname=case.file, name=case.name, time=f"{case.seconds:.9f}")
    inner = "<skipped/>" if case.skipped else ""
    for attempt in case.failures:
        described = _attributes(message=attempt.message, type=attempt.type)
        inner += f"\n            <failure{described}>\n{escape(attempt.details)}\n            </failure>\n"
    return f"        <testcase{attributes}>{inner}        </testcase>\n"


def surefire_report(cases: Iterable[Case], *, properties: Mapping[str, str]) -> str:
    """With `rerunFailingTestsCount`; the files of all classes in one."""
    suites = []
    for classname, of_class in itertools.groupby(cases, key=lambda case: case.classname):
        members = list(of_class)
        attributes = _attributes(
            **{
                "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
                "xsi:noNamespaceSchemaLocation": (
                    "https://maven.apache.org/surefire/maven-surefire-plugin/xsd/surefire-test-report-3.0.xsd"
                ),
            },
            version="3.0",
            name=classname,
            time=f"{sum(case.seconds for case in members):.3f}",
            tests=len(members),
            errors=sum(case.failures[0].element == "error" for case in members if not case.passes),
            skipped=sum(bool(case.skipped) for case in members),
            failures=sum(case.failures[0].element == "failure" for case in members if not case.passes),
        )
        suites.append(
            f"<testsuite{attributes}>\n{_properties(properties)}{''.join(map(_surefire_case, members))}</testsuite>\n"
        )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n{"".join(suites)}</testsuites>'


def _surefire_case(case: Case) -> str:
    attributes = _attributes(name=case.name, classname=case.classname, time=f"{case.seconds:.3f}")
    inner = f"<skipped{_attributes(message=case.skipped)}/>\n" if case.skipped else ""
    for nth, attempt in enumerate(case.failures):
        described = _attributes(message=attempt.message, type=attempt.type)
        if case.passes or nth:
            element = f"{'flaky' if case.passes else 'rerun'}{attempt.element.capitalize()}"
            output = f"<system-out>{_cdata(attempt.system_out)}</system-out>\n" if attempt.system_out else ""
            inner += (
                f"<{element}{described}>\n<stackTrace>{_cdata(attempt.details)}</stackTrace>\n{output}</{element}>\n"
            )
        else:
            inner += f"<{attempt.element}{described}>{_cdata(attempt.details)}</{attempt.element}>\n"
            inner += f"<system-out>{_cdata(attempt.system_out)}</system-out>\n" if attempt.system_out else ""
    inner += f"<system-out>{_cdata(case.system_out)}</system-out>\n" if case.system_out else ""
    return f"<testcase{attributes}>\n{inner}</testcase>\n"


def _attributes(**attributes: object) -> str:
    line_breaks = {"\n": "&#10;", "\t": "&#9;"}
    return "".join(f" {name}={quoteattr(str(value), line_breaks)}" for name, value in attributes.items())


def _properties(properties: Mapping[str, str]) -> str:
    if not properties:
        return ""
    written = "".join(f"<property{_attributes(name=name, value=value)}/>" for name, value in properties.items())
    return f"<properties>{written}</properties>"


def _cdata(text: str) -> str:
    return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]>"
