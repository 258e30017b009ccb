"""JUnit XML: what a suite says outside its cases."""

import pytest

from handler.reading import suite
from handler.reading.identity import Identities
from handler.reading.report import Attempt, Status, SuiteOutput
from tests.handler.helpers.reports import NOTHING_KNOWN, attempts_of, said_by, summary_of

# Its errors are lines on the standard error of `go test`, which may be anything.
GO = "<properties><property name='go.version' value='go1.24'/></properties>"


@pytest.mark.parametrize("element", ["error", "failure"])
@pytest.mark.parametrize("cases", ["", "<testcase name='adds'/>"])
def test_a_suite_that_failed_is_a_test_of_its_own(element: str, cases: str) -> None:
    """A class that cannot be loaded, a script that exits: or else the run would look green."""
    reason = f"<{element} type='Dubious' message='returned 2'>wstat 512</{element}>"
    xml = f"<testsuite name='cart' file='cart.t' hostname='ci-1'>{cases}{reason}</testsuite>"
    assert attempts_of(xml)[-1] == NOTHING_KNOWN._replace(
        test_id=Identities("shop").test_id("cart.t", None, None, "<suite>"),
        hostname="ci-1",
        file="cart.t",
        suite="cart",
        name="<suite>",
        status=Status.error,
        type="Dubious",
        message="returned 2",
        details="wstat 512",
    )


def test_a_suite_that_only_its_standard_error_tells_of_says_its_first_line() -> None:
    """A person looks for a message first."""
    [attempt] = attempts_of("<testsuite><system-err>\nDubious, test returned 2\nat cart.t</system-err></testsuite>")
    assert (attempt.message, attempt.details) == ("Dubious, test returned 2", None)
    assert attempt.system_err == "Dubious, test returned 2\nat cart.t"


def test_suites_that_nest_share_their_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them are kept until they end; what has no room is told."""
    monkeypatch.setattr(suite, "MAX_OPEN_SUITE_TEXTS", 15)
    monkeypatch.setattr(suite, "MAX_TEXT", 10)
    output = "<system-out>0123456789</system-out>"
    inner = f"<testsuite name='b'><testcase/>{output}<testsuite name='c'><testcase/>{output}</testsuite></testsuite>"
    said = said_by(f"<testsuite name='a'><testcase/>{output}{inner}{inner}</testsuite>")
    outputs = [output.system_out for output in said if isinstance(output, SuiteOutput)]
    nothing, half = "\n[... 10 characters cut ...]\n", "01\n[... 6 characters cut ...]\n89"
    assert outputs == [nothing, half, nothing, half, "0123456789"]


def test_every_reason_of_a_suite_is_kept() -> None:
    """As of a case."""
    [attempt] = attempts_of("<testsuite><failure message='a'/><error message='b'/></testsuite>")
    assert attempt.message == "b"
    assert [outcome.message for outcome in attempt.outcomes] == ["a", "b"]


def test_the_output_of_a_suite_without_cases_is_that_of_its_test() -> None:
    """It is all that there is to tell why."""
    [attempt] = said_by("<testsuite><error/><system-out>o</system-out><system-err>e</system-err></testsuite>")
    assert isinstance(attempt, Attempt)
    assert (attempt.system_out, attempt.system_err) == ("o", "e")


def test_the_output_of_a_suite_with_cases_stands_once() -> None:
    """Whether it failed or not."""
    said = said_by("<testsuite name='cart'><testcase/><error/><system-err>e</system-err></testsuite>")
    assert said[2:] == [SuiteOutput(1, "cart", None, "e")]
    assert isinstance(said[1], Attempt)
    assert said[1].system_err is None


@pytest.mark.parametrize(
    ("xml", "failed"),
    [
        ("<testsuite><system-err>cannot load</system-err></testsuite>", True),
        ("<testsuite errors='1'><system-err>cannot load</system-err></testsuite>", True),
        ("<testsuite errors='0' failures='1'><system-err>cannot load</system-err></testsuite>", True),
        ("<testsuite errors='0'><system-err>a warning</system-err></testsuite>", False),
        ("<testsuite errors='0' failures='0'><system-err>a warning</system-err></testsuite>", False),
        ("<testsuite failures='0'><system-err>a warning</system-err></testsuite>", False),
        ("<testsuite errors='1'><testcase/><system-err>Dubious</system-err></testsuite>", True),
        ("<testsuite errors='1'><testcase><error/></testcase><system-err>a warning</system-err></testsuite>", False),
        ("<testsuite><testcase/><system-err>a warning</system-err></testsuite>", False),
        ("<testsuite><testsuite><testcase/></testsuite><system-err>a warning</system-err></testsuite>", False),
        ("<testsuite><system-err> \n </system-err></testsuite>", False),
        ("<testsuite><system-out>hello</system-out></testsuite>", False),
        ("<testsuite><skipped/></testsuite>", False),
    ],
)
def test_a_suite_that_only_writes_to_its_standard_error_failed(xml: str, failed: bool) -> None:
    """Unless it holds cases, or says itself that nothing went wrong."""
    statuses = [attempt.status for attempt in attempts_of(xml) if attempt.name == "<suite>"]
    assert statuses == ([Status.error] if failed else [])


@pytest.mark.parametrize(
    ("xml", "suites"),
    [
        ("<testsuite tests='7'/>", 1),
        ("<testsuite failures='1'/>", 1),
        ("<testsuite errors=' 1 '/>", 1),
        ("<testsuites tests='7'/>", 1),
        ("<testsuites><testsuite tests='7'/><testsuite errors='1'/><testsuite tests='0'/></testsuites>", 2),
        ("<testsuites tests='7'><testsuite tests='7'/></testsuites>", 1),
        ("<testsuites tests='7'><testsuite/></testsuites>", 1),
        ("<testsuite tests='7'><testcase/></testsuite>", 0),
        ("<testsuite tests='7'><testsuite tests='1'><testcase/></testsuite></testsuite>", 0),
        ("<testsuite tests='0' errors='1'><error/></testsuite>", 0),
        ("<testsuite tests='many' errors='-1' failures='NaN'/>", 0),
        ("<testsuite skipped='7'/>", 0),
        ("<testsuite errors='1' failures='1'><testcase/><testcase><failure/></testcase></testsuite>", 0),
        (f"<testsuites errors='12'><testsuite errors='1'>{GO}<testcase/></testsuite></testsuites>", 0),
        (f"<testsuites errors='12'><testsuite failures='1'>{GO}<testcase/></testsuite></testsuites>", 1),
        ("<testsuite errors='1' failures='0'><testcase/><testcase><failure/></testcase></testsuite>", 0),
        ("<testsuite errors='2'><testcase><error/></testcase></testsuite>", 0),
        ("<testsuite failures='2'><testcase><flakyFailure/></testcase></testsuite>", 0),
        ("<testsuite failures='1'><testcase/></testsuite>", 1),
        ("<testsuite failures='1'><testcase><skipped type='todo'/><failure/></testcase></testsuite>", 0),
        ("<testsuite errors='1'><testcase><flakyError/></testcase></testsuite>", 0),
        ("<testsuites errors='1'><testsuite errors='1'><testcase/></testsuite></testsuites>", 1),
    ],
)
def test_suites_that_count_what_they_do_not_hold_are_counted(xml: str, suites: int) -> None:
    """Each once, however they nest: what became of their tests, nobody can tell."""
    assert summary_of(xml).incomplete_suites == suites


def test_outputs_of_a_suite_are_joined_and_those_within_an_outcome_are_part_of_it() -> None:
    """As in a case."""
    xml = (
        "<testsuite><system-out>a </system-out><testcase/><system-out>b</system-out>"
        "<error>at <b>line</b> 7</error><properties>nothing</properties></testsuite>"
    )
    _, failed, output = said_by(xml)
    assert output == SuiteOutput(1, None, "a b", None)
    assert isinstance(failed, Attempt)
    assert failed.details == "at line 7"
