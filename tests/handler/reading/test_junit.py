"""JUnit XML: suites, cases, and what they are called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.errors import NotJUnit
from handler.reading.identity import test_id as identity
from handler.reading.report import Attempt, Status
from tests.handler.helpers.reports import attempt_of, attempts_of

COMPLETE = """
<testsuites>
  <testsuite name="checkout">
    <testsuite name="cart" file="tests/test_cart.py">
      <properties><property name="seed" value="7">of the suite</property></properties>
      <testcase classname="Cart" name="adds" time="0.25">
        <properties><property name="owner" value="web">of the case</property></properties>
        <error type="KeyError" message="no apple">line 1\nline 2</error>
        <system-out>put in</system-out>
        <system-err>took out</system-err>
      </testcase>
      <system-out>of the suite</system-out>
      <system-err>of the suite</system-err>
    </testsuite>
  </testsuite>
</testsuites>
"""


def test_a_case_says_all_that_is_known_of_a_test() -> None:
    """What belongs to its suites, and properties, are left out."""
    test_id = identity(project="shop", file="tests/test_cart.py", suite=None, classname="Cart", name="adds")
    assert attempts_of(COMPLETE) == [
        Attempt(
            test_id=test_id,
            suite_number=3,
            file="tests/test_cart.py",
            suite="checkout > cart",
            classname="Cart",
            name="adds",
            status=Status.error,
            attempts=1,
            duration_seconds=0.25,
            type="KeyError",
            message="no apple",
            details="line 1\nline 2",
            system_out="put in",
            system_err="took out",
        )
    ]


def test_a_case_that_says_nothing_passed() -> None:
    """What is not known is none, and the name is empty."""
    test_id = identity(project="shop", file=None, suite=None, classname=None, name="")
    assert attempts_of("<testsuites><testcase/></testsuites>") == [
        Attempt(test_id, 1, None, None, None, "", Status.passed, 1, None, None, None, None, None, None)
    ]


@pytest.mark.parametrize("attribute", ["file", "classname", "type", "message"])
def test_an_empty_attribute_says_nothing(attribute: str) -> None:
    """gotestsum and others write them all."""
    attempt = attempt_of(f"<testcase {attribute}=''><failure {attribute}=''/></testcase>")
    assert getattr(attempt, attribute) is None


@pytest.mark.parametrize("root", ["testsuite", "testsuites"])
def test_a_report_without_cases_is_a_report(root: str) -> None:
    """A run may select none, and counts that say otherwise are no cases."""
    assert attempts_of(f"<{root} tests='7' failures='1'/>") == []


@pytest.mark.parametrize("root", ["html", "testcase", "TestSuites", "TestRun", "suite", "x:testsuites"])
def test_other_roots_are_refused(root: str) -> None:
    """Even if cases stand below them."""
    with pytest.raises(NotJUnit) as fault:
        attempts_of(f"<{root}><testsuite><testcase/></testsuite></{root}>")
    assert str(fault.value) == "The root element of the report is neither testsuites nor testsuite."


@pytest.mark.parametrize(
    ("xml", "suite"),
    [
        ("<testsuite name='a'><testcase/></testsuite>", "a"),
        ("<testsuites name='all'><testsuite name='a'><testcase/></testsuite></testsuites>", "a"),
        ("<testsuites name='all'><testcase/></testsuites>", None),
        ("<testsuite><testcase/></testsuite>", None),
        ("<testsuite><testsuite name='b'><testcase/></testsuite></testsuite>", "b"),
        ("<testsuite name='a'><testsuite name=''><testcase/></testsuite></testsuite>", "a"),
        ("<testsuite name='a'><testsuite name='b'/><testcase/></testsuite>", "a"),
        ("<testsuite name='a'><testsuite name='b'><testcase/></testsuite></testsuite>", "a > b"),
        ("<testsuites><testsuite name='a'/><testsuite name='b'><testcase/></testsuite></testsuites>", "b"),
        ("<testsuite name='a'><unknown name='b'><testcase/></unknown></testsuite>", "a"),
        (
            "<testsuite name='/build/phpunit.xml'><testsuite name='b'><testcase/></testsuite></testsuite>",
            "phpunit.xml > b",
        ),
    ],
)
def test_a_case_is_in_the_suites_around_it(xml: str, suite: str | None) -> None:
    """From the outermost; the root `testsuites` is none."""
    [attempt] = attempts_of(xml)
    assert attempt.suite == suite


@pytest.mark.parametrize(
    ("xml", "file"),
    [
        ("<testsuite file='a.py'><testcase file='b.py'/></testsuite>", "b.py"),
        ("<testsuite file='a.py'><testcase file=''/></testsuite>", "a.py"),
        ("<testsuite file='a.py'><testsuite file='b.py'><testcase/></testsuite></testsuite>", "b.py"),
        ("<testsuite file='a.py'><testsuite><testcase/></testsuite></testsuite>", "a.py"),
        ("<testsuite><testsuite file='a.py'/><testcase/></testsuite>", None),
    ],
)
def test_the_file_of_a_case_is_the_nearest(xml: str, file: str | None) -> None:
    """PHPUnit and Mocha name it at the suite, pytest and Jest at the case."""
    [attempt] = attempts_of(xml)
    assert attempt.file == file


def test_the_identity_is_made_of_the_files_as_the_report_has_them() -> None:
    """The row says where the file was, the identity leaves out the folder."""
    first = attempt_of("<testcase name='adds' file='/build/1/cart.py'/>")
    second = attempt_of("<testcase name='adds' file='/build/2/cart.py'/>")
    assert first.test_id == second.test_id
    assert (first.file, second.file) == ("/build/1/cart.py", "/build/2/cart.py")


@pytest.mark.parametrize(
    "inner",
    [
        "<testcase name='inner'/>",
        "<testsuite name='inner'><testcase name='inner'/></testsuite>",
        "<unknown><failure>inner</failure><system-out>inner</system-out></unknown>",
    ],
)
def test_what_nobody_expects_in_a_case_is_passed_over(inner: str) -> None:
    """The case stays one that passed, and the one behind it is found."""
    names = [
        attempt.name
        for attempt in attempts_of(f"<testsuite><testcase name='a'>{inner}</testcase><testcase name='b'/></testsuite>")
    ]
    assert names == ["a", "b"]
    assert attempt_of(f"<testcase>{inner}</testcase>").status is Status.passed


def test_a_default_namespace_does_not_matter() -> None:
    """Some generators copy one from a schema."""
    assert len(attempts_of("<testsuites xmlns='https://example.com/junit'><testcase/></testsuites>")) == 1


@given(st.lists(st.sampled_from("abc")))
def test_cases_come_in_the_order_of_the_report(names: list[str]) -> None:
    """It tells the first attempt from the last."""
    cases = "".join(f"<testcase name='{name}'/>" for name in names)
    assert [attempt.name for attempt in attempts_of(f"<testsuite>{cases}</testsuite>")] == names
