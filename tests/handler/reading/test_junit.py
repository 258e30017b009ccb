"""JUnit XML: suites, cases, and what they are called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.errors import NotJUnit
from handler.reading.identity import Identities
from handler.reading.report import Attempt, Repeats, Status, SuiteOutput
from tests.handler.helpers.reports import NOTHING_KNOWN, attempt_of, attempts_of, said_by, summary_of

COMPLETE = """
<testsuites>
  <testsuite name="checkout" hostname="ci-7">
    <testsuite name="cart" file="tests/test_cart.py">
      <properties><property name="seed" value="7"/><property name="seed" value="8"/></properties>
      <testcase classname="Cart" name="adds" time="0.25" file="elsewhere.py" line="41">
        <properties>
          <property name="owner" value="web"/>
          <property name="link">of the \n case</property>
          <property name="" value="nothing"/>
        </properties>
        <error type="KeyError" message="no apple">line 1\nline 2</error>
        <system-out>put in [[ATTACHMENT|cart/a.png]]</system-out>
        <system-err>took out [[ATTACHMENT|b.zip]] [[ATTACHMENT|cart/a.png]]</system-err>
      </testcase>
      <system-out>of the suite</system-out>
      <system-err>of the suite, too</system-err>
    </testsuite>
  </testsuite>
</testsuites>
"""


def test_a_case_says_all_that_is_known_of_a_test() -> None:
    """What its suite wrote stands once, beside it."""
    test_id = Identities("shop").test_id("tests/test_cart.py", None, "Cart", "adds")
    assert said_by(COMPLETE) == [
        Attempt(
            test_id=test_id,
            suite_number=3,
            repeats=Repeats.other_tests,
            hostname="ci-7",
            file="elsewhere.py",
            line=41,
            suite="checkout > cart",
            classname="Cart",
            name="adds",
            status=Status.error,
            attempts=1,
            duration=0.25,
            type="KeyError",
            message="no apple",
            details="line 1\nline 2",
            system_out="put in [[ATTACHMENT|cart/a.png]]",
            system_err="took out [[ATTACHMENT|b.zip]] [[ATTACHMENT|cart/a.png]]",
            outcomes=[],
            properties={"owner": "web", "link": "of the \n case"},
            attachments=["cart/a.png", "b.zip"],
        ),
        SuiteOutput(3, "checkout > cart", "of the suite", "of the suite, too"),
    ]


def test_a_run_has_the_properties_and_hosts_of_its_suites() -> None:
    """Of a property that comes again, the first value."""
    summary = summary_of(COMPLETE)
    assert (summary.properties, summary.hostnames) == ({"seed": "7"}, ["ci-7"])


def test_a_case_that_says_nothing_passed() -> None:
    """What is not known is none, and the name is empty."""
    assert said_by("<testsuites><testcase/></testsuites>") == [NOTHING_KNOWN]


@pytest.mark.parametrize(
    ("output", "attachments"),
    [
        ("[[ATTACHMENT|shots/test_a[chromium].png]]", ["shots/test_a[chromium].png"]),
        ("[[ATTACHMENT|a]][[ATTACHMENT|b]]", ["a", "b"]),
        ("[[ATTACHMENT|a\nb]]", []),
        ("[[ATTACHMENT|]]", []),
        (f"[[ATTACHMENT|{'x' * 1024}]] [[ATTACHMENT|{'x' * 1025}]]", ["x" * 1024]),
    ],
)
def test_attachments_are_references_in_an_output(output: str, attachments: list[str]) -> None:
    """Of the case, or of one of its attempts."""
    written = f"<system-err>{output}</system-err>"
    assert attempt_of(f"<testcase>{written}</testcase>").attachments == attachments
    assert attempt_of(f"<testcase><flakyFailure>{written}</flakyFailure></testcase>").attachments == attachments


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("line='7'", 7),
        ("lineno='7'", 7),
        ("line='2147483647'", 2147483647),
        ("line='2147483648'", None),
        ("line='-1'", None),
        ("line='7.5'", None),
        ("line='\u00b2'", None),
        ("line=''", None),
    ],
)
def test_a_line_is_a_whole_number(written: str, line: int | None) -> None:
    """As PostgreSQL has them."""
    assert attempt_of(f"<testcase {written}/>").line == line


@pytest.mark.parametrize("attribute", ["file", "classname", "type", "message"])
def test_an_empty_attribute_says_nothing(attribute: str) -> None:
    """gotestsum and others write them all."""
    attempt = attempt_of(f"<testcase {attribute}=''><failure {attribute}=''/></testcase>")
    assert getattr(attempt, attribute) is None


@pytest.mark.parametrize("root", ["testsuite", "testsuites"])
def test_a_report_without_cases_is_a_report(root: str) -> None:
    """A run may select none."""
    assert said_by(f"<{root} tests='0' failures='0'/>") == []
    assert summary_of(f"<{root} tests='0' failures='0'/>").incomplete_suites == 0


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
    ("xml", "file", "identifying"),
    [
        ("<testsuite file='a.py'><testcase file='b.py'/></testsuite>", "b.py", "a.py"),
        ("<testsuite file='a.py'><testcase file=''/></testsuite>", "a.py", "a.py"),
        ("<testsuite file='a.py'><testsuite file='b.py'><testcase/></testsuite></testsuite>", "b.py", "b.py"),
        ("<testsuite file='a.py'><testsuite><testcase/></testsuite></testsuite>", "a.py", "a.py"),
        ("<testsuite><testsuite file='a.py'/><testcase/></testsuite>", None, None),
        ("<testsuite><testcase file='b.py'/></testsuite>", "b.py", None),
        ("<testsuite><testcase file='b.py'><failure/></testcase></testsuite>", "b.py", None),
    ],
)
def test_the_file_of_a_case_is_the_nearest(xml: str, file: str | None, identifying: str | None) -> None:
    """But a case's own, which some write only when it fails, does not tell it from others."""
    [attempt] = attempts_of(xml)
    assert attempt.file == file
    assert attempt.test_id == Identities("shop").test_id(identifying, None, None, "")


def test_of_nodes_tests_the_file_alone_tells_the_place() -> None:
    """It writes it always, and one class for all."""
    first, second = (attempt_of(f"<testcase name='adds' classname='test' file='{file}'/>") for file in "ab")
    assert first.test_id != second.test_id


def test_the_identity_is_made_of_the_files_as_the_report_has_them() -> None:
    """The row says where the file was, the identity leaves out the folder."""
    [first], [second] = (attempts_of(f"<testsuite file='/build/{n}/cart.py'><testcase/></testsuite>") for n in (1, 2))
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
