"""JUnit XML: what became of a case, in the words of each runner."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.reading import junit_case, outcomes
from handler.reading.report import Outcome, Status
from tests.handler.helpers.reports import attempt_of

SEVERITY = ["skipped", "flakyFailure", "failure", "error"]


@pytest.mark.parametrize(
    ("inner", "status", "attempts"),
    [
        ("", "passed", 1),
        ("<properties/><system-out/><system-err/>", "passed", 1),
        ("<skipped/>", "skipped", 1),
        ("<failure/>", "failed", 1),
        ("<error/>", "error", 1),
        ("<flakyFailure/>", "flaky", 2),
        ("<flakyError/>", "flaky", 2),
        ("<flakyError/><flakyFailure/>", "flaky", 3),
        ("<failure/><rerunFailure/>", "failed", 2),
        ("<failure/><rerunFailure/><rerunFailure/>", "failed", 3),
        ("<error/><rerunError/>", "error", 2),
        ("<failure/><rerunError/>", "error", 2),
        ("<rerunFailure/>", "failed", 2),
        ("<skipped type='todo'/><failure/>", "skipped", 1),
        ("<failure/><skipped type='todo'/>", "skipped", 1),
        ("<skipped message='TEST_CASE tagged with !mayfail'/><failure/>", "skipped", 1),
        ("<skipped message='not today'/><failure/>", "failed", 1),
    ],
)
def test_an_outcome_is_a_status(inner: str, status: str, attempts: int) -> None:
    """Each rerun is a further attempt."""
    attempt = attempt_of(f"<testcase>{inner}</testcase>")
    assert (attempt.status.name, attempt.attempts) == (status, attempts)


@given(st.lists(st.sampled_from(SEVERITY), min_size=1))
def test_of_several_outcomes_the_most_severe_wins(elements: list[str]) -> None:
    """In whatever order they stand; the first of them says why."""
    most_severe = max(elements, key=SEVERITY.index)
    inner = "".join(f"<{element} message='{element} {position}'/>" for position, element in enumerate(elements))
    attempt = attempt_of(f"<testcase>{inner}</testcase>")
    assert attempt.status.value == SEVERITY.index(most_severe) + 1
    assert attempt.message == f"{most_severe} {elements.index(most_severe)}"


@pytest.mark.parametrize(
    ("case", "status"),
    [
        ("<testcase status='run' result='completed'/>", "passed"),
        ("<testcase status='notrun' result='suppressed'/>", "skipped"),
        ("<testcase status='run' result='skipped'/>", "skipped"),
        ("<testcase status='disabled'/>", "skipped"),
        ("<testcase status='notrun'><skipped/></testcase>", "skipped"),
        ("<testcase status='notrun'><failure/></testcase>", "failed"),
        ("<testcase status='fail'><failure/></testcase>", "failed"),
        ("<testcase status='failed'/>", "failed"),
        ("<testcase result='Failure'/>", "failed"),
        ("<testcase status='ERROR'/>", "error"),
        ("<testcase status='Skipped'/>", "skipped"),
        ("<testcase status='pass' result='fail'/>", "failed"),
        ("<testcase status='7'/>", "passed"),
        ("<testcase status='failed'><skipped/></testcase>", "skipped"),
    ],
)
def test_attributes_tell_where_no_element_does(case: str, status: str) -> None:
    """GoogleTest and CTest say so of disabled tests; elements are more precise."""
    assert attempt_of(case).status.name == status


@pytest.mark.parametrize(
    ("outcome", "type", "message", "details"),
    [
        ("<failure/>", None, None, None),
        ("<failure message='1 != 2'/>", None, "1 != 2", None),
        ("<failure>at line 7</failure>", None, None, "at line 7"),
        ("<failure type='AssertionError'> \n </failure>", "AssertionError", None, None),
        ("<failure>1 &lt; 2 <![CDATA[&& <b>]]> or</failure>", None, None, "1 < 2 && <b> or"),
        ("<failure>\n  at a\n    at b\n</failure>", None, None, "at a\n    at b"),
        ("<failure>at <b>line</b> 7</failure>", None, None, "at line 7"),
        ("<skipped message='on Windows'/>", None, "on Windows", None),
        ("<failure message='a&#10;b\tc\nd'/>", None, "a\nb c d", None),
    ],
)
def test_an_outcome_has_a_type_a_message_and_details(
    outcome: str, type: str | None, message: str | None, details: str | None
) -> None:
    """Or only some of them."""
    attempt = attempt_of(f"<testcase>{outcome}</testcase>")
    assert (attempt.type, attempt.message, attempt.details) == (type, message, details)


def test_every_outcome_of_a_case_is_kept() -> None:
    """In order; GoogleTest writes one for each assertion that failed."""
    written = (
        "<failure message='a' type='A'>at a</failure><error message='b' type='B'>at b</error><skipped message='c'/>"
    )
    attempt = attempt_of(f"<testcase>{written}</testcase>")
    assert (attempt.type, attempt.message, attempt.details) == ("B", "b", "at b")
    assert attempt.outcomes == [
        Outcome(Status.failed, "A", "a", "at a", None, None),
        Outcome(Status.error, "B", "b", "at b", None, None),
        Outcome(Status.skipped, None, "c", None, None, None),
    ]


def test_outputs_of_a_rerun_are_joined() -> None:
    """As those of a case; and of one that is not kept, they are nobody's."""
    outputs = "<system-out>a </system-out><system-out>b</system-out>"
    attempt = attempt_of(f"<testcase>{f'<rerunFailure>{outputs}</rerunFailure>' * 30}</testcase>")
    assert [outcome.system_out for outcome in attempt.outcomes] == ["a b"] * 20
    assert attempt.system_out is None


def test_the_only_outcome_of_a_case_is_not_said_twice() -> None:
    """The attempt itself says it."""
    assert attempt_of("<testcase><failure>at a</failure></testcase>").outcomes == []


def test_of_many_outcomes_the_first_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the most severe, which says what the case came to."""
    monkeypatch.setattr(outcomes, "MAX_OUTCOMES", 3)
    written = "".join(f"<rerunFailure message='{number}'>at {number}</rerunFailure>" for number in range(5))
    attempt = attempt_of(f"<testcase>{written}<error message='e'/><error message='f'>at f</error></testcase>")
    assert [outcome.message for outcome in attempt.outcomes] == ["0", "1", "e"]
    assert (attempt.status, attempt.message, attempt.attempts) == (Status.error, "e", 6)


def test_the_texts_of_all_outcomes_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing is told."""
    monkeypatch.setattr(outcomes, "MAX_TEXT", 10)
    monkeypatch.setattr(junit_case, "MAX_OUTCOME_TEXTS", 14)
    attempt = attempt_of(f"<testcase>{'<failure>0123456789</failure>' * 3}</testcase>")
    assert [outcome.details for outcome in attempt.outcomes] == [
        "0123456789",
        "01\n[... 6 characters cut ...]\n89",
        "\n[... 10 characters cut ...]\n",
    ]


def test_a_disabled_test_says_why() -> None:
    """Where attribute and element both say that it was skipped."""
    attempt = attempt_of("<testcase status='notrun'><skipped message='Disabled'>by hand</skipped></testcase>")
    assert (attempt.message, attempt.details) == ("Disabled", "by hand")


SUREFIRE_FLAKY = """
<testcase name="adds" classname="com.example.Cart" time="0.5">
  <flakyFailure message="1 != 2" type="AssertionError">
    <stackTrace><![CDATA[at Cart.adds(Cart.java:7)]]></stackTrace>
    <system-out>of the first attempt</system-out>
    <system-err>of the first attempt</system-err>
  </flakyFailure>
  <system-out>of the last attempt</system-out>
</testcase>
"""


def test_a_rerun_of_surefire_keeps_its_stack_trace_and_its_output() -> None:
    """Which is not that of the case."""
    attempt = attempt_of(SUREFIRE_FLAKY)
    assert (attempt.status, attempt.attempts) == (Status.flaky, 2)
    assert (attempt.type, attempt.message) == ("AssertionError", "1 != 2")
    assert attempt.details == "at Cart.adds(Cart.java:7)"
    assert (attempt.system_out, attempt.system_err) == ("of the last attempt", None)
    trace, first = "at Cart.adds(Cart.java:7)", "of the first attempt"
    assert attempt.outcomes == [Outcome(Status.failed, "AssertionError", "1 != 2", trace, first, first)]


def test_outputs_are_joined() -> None:
    """JUnit's console launcher writes two of each: its own notes and the test's."""
    outputs = "<system-out>unique-id: 7\n</system-out><system-err>e</system-err><system-out>put in</system-out>"
    attempt = attempt_of(f"<testcase>{outputs}</testcase>")
    assert (attempt.system_out, attempt.system_err) == ("unique-id: 7\nput in", "e")


@pytest.mark.parametrize("output", ["<system-out/>", "<system-out> \n\t</system-out>"])
def test_an_output_of_blanks_is_none(output: str) -> None:
    """They are the report's layout."""
    assert attempt_of(f"<testcase>{output}</testcase>").system_out is None


def test_text_between_the_elements_of_a_case_is_nobodys() -> None:
    """Whatever stands there is layout."""
    attempt = attempt_of("<testcase>a<failure>b</failure>c<system-out>d</system-out>e</testcase>")
    assert (attempt.details, attempt.system_out) == ("b", "d")
