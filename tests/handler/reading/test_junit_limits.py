"""JUnit XML: how much of it is kept."""

import tracemalloc
from collections.abc import Callable, Iterator

import pytest

from handler.errors import PermanentFault, TooLarge, TooManyCases
from handler.reading import bounded_xml, limits
from handler.reading.junit import JUnitReport
from handler.reading.limits import MAX_MESSAGE, MAX_NAME, MAX_TEXT
from handler.reading.report import Attempt
from tests.handler.helpers.reports import attempt_of, attempts_of, summary_of

MARK = "\n[... 1 characters cut ...]\n"


def in_suite(attributes: str) -> Attempt:
    [attempt] = attempts_of(f"<testsuite {attributes}><testcase/></testsuite>")
    return attempt


LIMITED: dict[str, tuple[int, Callable[[str], Attempt], str]] = {
    "name": (MAX_NAME, lambda text: attempt_of(f"<testcase name='{text}'/>"), "name"),
    "classname": (MAX_NAME, lambda text: attempt_of(f"<testcase classname='{text}'/>"), "classname"),
    "file": (MAX_NAME, lambda text: attempt_of(f"<testcase file='{text}'/>"), "file"),
    "file of the suite": (MAX_NAME, lambda text: in_suite(f"file='{text}'"), "file"),
    "suite": (MAX_NAME, lambda text: in_suite(f"name='{text}'"), "suite"),
    "type": (MAX_NAME, lambda text: attempt_of(f"<testcase><failure type='{text}'/></testcase>"), "type"),
    "message": (MAX_MESSAGE, lambda text: attempt_of(f"<testcase><failure message='{text}'/></testcase>"), "message"),
    "details": (MAX_TEXT, lambda text: attempt_of(f"<testcase><failure>{text}</failure></testcase>"), "details"),
    "output": (
        MAX_TEXT,
        lambda text: attempt_of(f"<testcase><system-out>{text}</system-out></testcase>"),
        "system_out",
    ),
    "errors": (
        MAX_TEXT,
        lambda text: attempt_of(f"<testcase><system-err>{text}</system-err></testcase>"),
        "system_err",
    ),
}
every_text = pytest.mark.parametrize(("limit", "read", "field"), LIMITED.values(), ids=LIMITED.keys())


@every_text
def test_a_text_as_long_as_the_limit_is_kept(limit: int, read: Callable[[str], Attempt], field: str) -> None:
    """Characters count, not bytes."""
    text = "a" * (limit // 2) + "\U0001f600" * (limit // 2)
    assert getattr(read(text), field) == text


@every_text
def test_a_longer_text_is_cut_visibly(limit: int, read: Callable[[str], Attempt], field: str) -> None:
    """A line in its middle says how much is missing."""
    half = limit // 2
    assert getattr(read("a" * half + "b" + "c" * half), field) == "a" * half + MARK + "c" * half


@pytest.mark.parametrize("attribute", ["name", "classname"])
def test_tests_whose_long_names_differ_where_they_are_cut_are_different(attribute: str) -> None:
    """A parameter may be as long as a file."""
    a, b = (attempt_of(f"<testcase {attribute}='{'x' * MAX_NAME}{middle}{'x' * MAX_NAME}'/>") for middle in "ab")
    assert a.test_id != b.test_id


def test_outputs_together_have_one_limit() -> None:
    """However many elements a case has."""
    half = "a" * (MAX_TEXT // 2)
    attempt = attempt_of(f"<testcase>{f'<system-out>{half}</system-out>' * 3}</testcase>")
    assert attempt.system_out == f"{half}\n[... {MAX_TEXT // 2} characters cut ...]\n{half}"


def test_a_report_may_have_as_many_cases_as_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """In whichever suites."""
    monkeypatch.setattr(limits, "MAX_CASES", 3)
    assert len(attempts_of("<testsuites><testsuite><testcase/><testcase/></testsuite><testcase/></testsuites>")) == 3


def test_what_suites_write_does_not_count_as_a_case(monkeypatch: pytest.MonkeyPatch) -> None:
    """But a suite that failed does."""
    monkeypatch.setattr(limits, "MAX_CASES", 1)
    assert len(attempts_of("<testsuite><testcase/><system-out>x</system-out></testsuite>")) == 1
    with pytest.raises(TooManyCases):
        attempts_of("<testsuite><testcase/><error/></testsuite>")


def test_more_cases_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even those that are attempts of one test."""
    monkeypatch.setattr(limits, "MAX_CASES", 3)
    with pytest.raises(TooManyCases) as fault:
        attempts_of(f"<testsuite>{'<testcase/>' * 4}</testsuite>")
    assert str(fault.value) == "The report has more than 3 test cases."


def test_the_limit_is_a_million_cases() -> None:
    """A number that the documentation promises."""
    assert limits.MAX_CASES == 1_000_000


class Stream:
    """Pieces as a stream."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def read(self, size: int, /) -> bytes:
        while len(self._rest) < size and (piece := next(self._pieces, b"")):
            self._rest += piece
        chunk, self._rest = self._rest[:size], self._rest[size:]
        return chunk


HUGE = b"x" * (bounded_xml.MAX_TOKEN // 16)
DEPTH = bounded_xml.MAX_DEPTH - 1


@pytest.mark.parametrize(
    "pieces",
    [
        [b"<testsuites>", *[b'<testsuite name="' + HUGE + b'">'] * DEPTH],
        [b"<testsuites>", *[b'<testsuite file="' + HUGE + b'">'] * DEPTH],
        [b"<testsuites>", *[b"<" + HUGE + b">"] * DEPTH],
        [b"<testsuites>", *(b'<testsuite a%d="%s"/>' % (n, HUGE[:1000]) for n in range(20_000))],
        [b"<testsuites>", *(b"<a%d>%s</a%d>" % (n, HUGE[:1000], n) for n in range(20_000))],
        [
            b"<testsuites>",
            *[b"<testsuite><system-out>", HUGE, b"</system-out><system-err>", HUGE, b"</system-err>"] * DEPTH,
        ],
        [b"<testsuites>", *[b"<testsuite><error>", HUGE, b"</error><error>", HUGE, b"</error>"] * DEPTH],
        [b"<testsuites><testcase>", *[b"<failure>", HUGE, b"</failure>"] * DEPTH],
        [b"<testsuites><testcase><failure>", *[b"<failure>"] * (DEPTH - 2), *[HUGE] * DEPTH],
    ],
    ids=["suites", "files", "elements", "attributes", "siblings", "outputs", "errors", "outcomes", "nested outcomes"],
)
def test_whatever_is_huge_takes_constant_memory(pieces: list[bytes]) -> None:
    """25 MiB of it, which end in the middle."""
    report = JUnitReport(Stream(iter(pieces)), gzipped=False, project="shop")
    tracemalloc.start()
    with pytest.raises(PermanentFault):
        list(report.read())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 * 1024 * 1024


@pytest.mark.parametrize("attribute", ["name", "file"])
def test_suites_whose_long_names_differ_where_they_are_cut_have_different_tests(attribute: str) -> None:
    """And the same test keeps its id."""
    a, b, again = (in_suite(f"{attribute}='{'x' * MAX_NAME}{middle}{'x' * MAX_NAME}'").test_id for middle in "aba")
    assert a != b
    assert a == again


def test_a_report_has_as_many_properties_as_the_limit() -> None:
    """The first of them."""
    written = "".join(f"<property name='{number}' value='v'/>" for number in range(101))
    assert list(summary_of(f"<testsuite>{written}</testsuite>").properties) == [str(number) for number in range(100)]


@pytest.mark.parametrize("attribute", ["name", "file"])
def test_names_of_suites_are_not_repeated_without_end(attribute: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each case has them: a suite with a long name and a million short cases would fill the database."""
    monkeypatch.setattr(limits, "MAX_INHERITED", 2_048)
    written = f"<testsuite {attribute}='{'a' * 1_024}'>{{}}</testsuite>"
    assert len(attempts_of(written.format("<testcase/>" * 2))) == 2
    with pytest.raises(TooLarge) as fault:
        attempts_of(written.format("<testcase/>" * 3))
    assert str(fault.value) == "The report repeats more than 2048 characters of its suites' names."
