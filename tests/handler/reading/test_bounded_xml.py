"""XML from strangers, read as a stream and within limits."""

import gzip
import io
import tracemalloc
from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.errors import (
    BadEncoding,
    BadGzip,
    ForbiddenDtd,
    NotXml,
    PermanentFault,
    TooDeep,
    TooLarge,
)
from handler.readable import Readable
from handler.reading import bounded_xml
from handler.reading.junit import JUnitReport

REPORT = b'<testsuites><testsuite name="cart"><testcase name="adds"/></testsuite></testsuites>'
GZIPPED = gzip.compress(REPORT, mtime=0)  # always the same, since the names of tests hold it
BILLION_LAUGHS = b'<!DOCTYPE testsuites [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><testsuites>&b;</testsuites>'
EXTERNAL_ENTITY = b'<!DOCTYPE testsuites [<!ENTITY a SYSTEM "file:///etc/passwd">]><testsuites>&a;</testsuites>'


def padded(size: int) -> bytes:
    """A report of so many bytes, most of them blanks."""
    return b"<testsuites>" + b" " * (size - 25) + b"</testsuites>"


class Endless:
    """A stream without end: a beginning and then one piece again and again, in constant memory."""

    def __init__(self, beginning: bytes, repeated: bytes) -> None:
        self._next = beginning
        self._repeated = repeated

    def read(self, size: int, /) -> bytes:
        assert len(self._next) <= size
        chunk, self._next = self._next, self._repeated
        return chunk


def check(content: bytes, *, gzipped: bool = False) -> None:
    read(io.BytesIO(content), gzipped=gzipped)


def read(stream: Readable, *, gzipped: bool = False) -> list[str]:
    """What the stream holds, in order: start tags, end tags, and texts."""
    seen: list[str] = []
    for _ in bounded_xml.parse(
        stream,
        gzipped=gzipped,
        start=lambda name, attributes: seen.append(f"<{name} {attributes}>"),
        end=lambda name: seen.append(f"</{name}>"),
        text=seen.append,
    ):
        pass
    return seen


@pytest.mark.parametrize(
    "content",
    [
        REPORT,
        b'<testsuite name="a bare suite"/>',
        b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?>\n<!-- a comment --><testsuites/>\n',
        '<?xml version="1.0" encoding="iso-8859-15"?><testsuites name="€"/>'.encode("iso-8859-15"),
        '<?xml version="1.0" encoding="utf-16"?><testsuites name="ü"/>'.encode("utf-16"),
        b"<testsuites><testcase><failure>&lt;&#10;<![CDATA[<]]></failure></testcase></testsuites>",
    ],
)
def test_a_report_passes(content: bytes) -> None:
    """With either root, in any of the usual encodings."""
    check(content)


def test_a_gzipped_report_passes() -> None:
    """In one member or several."""
    check(gzip.compress(REPORT[:20]) + gzip.compress(REPORT[20:]), gzipped=True)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", NotXml),
        (b"no tags", NotXml),
        (b"{}", NotXml),
        (REPORT[:-1], NotXml),
        (REPORT + REPORT, NotXml),
        (b"<testsuites>&undefined;</testsuites>", NotXml),
        (GZIPPED, NotXml),
        (b'<?xml version="1.0" encoding="klingon"?><testsuites/>', BadEncoding),
        (BILLION_LAUGHS, ForbiddenDtd),
        (EXTERNAL_ENTITY, ForbiddenDtd),
    ],
)
def test_what_is_no_report_is_refused(content: bytes, fault: type[PermanentFault]) -> None:
    """Each under its own name."""
    with pytest.raises(fault):
        check(content)


@pytest.mark.parametrize(
    "content",
    [
        REPORT,
        GZIPPED[:-1],
        GZIPPED[:5],
        GZIPPED[:-8] + bytes(8),
        GZIPPED[:12] + b"\xff\xff\xff\xff",
        GZIPPED + b"rest",
    ],
)
def test_what_is_no_complete_gzip_is_refused(content: bytes) -> None:
    """Whether it is cut off, damaged or something else."""
    with pytest.raises(BadGzip) as fault:
        check(content, gzipped=True)
    assert str(fault.value) == "The report is not a complete gzip file."


def test_elements_may_nest_as_deep_as_the_limit() -> None:
    """The root counts as the first level."""
    content = b"<testsuite>" * bounded_xml.MAX_DEPTH + b"</testsuite>" * bounded_xml.MAX_DEPTH
    check(content)


def test_deeper_elements_are_refused() -> None:
    """expat itself would keep any number of open elements in memory."""
    with pytest.raises(TooDeep) as fault:
        check(b"<testsuite>" * (bounded_xml.MAX_DEPTH + 1))
    assert str(fault.value) == "The report nests its elements more than 100 levels deep."


def test_elements_beside_each_other_do_not_count_as_depth() -> None:
    """A suite may have any number of cases."""
    check(b"<testsuite>" + b"<testcase></testcase>" * (bounded_xml.MAX_DEPTH + 1) + b"</testsuite>")


@pytest.mark.parametrize("beginning", [b"<testsuites><!--", b'<testsuites name="', b"<testsuites><"])
def test_an_endless_tag_or_comment_is_refused(beginning: bytes) -> None:
    """expat would collect it in memory."""
    with pytest.raises(TooLarge) as fault:
        read(Endless(beginning, b"x" * 65536))
    assert str(fault.value) == "A tag or comment of the report has more than 4194304 bytes."


def test_a_report_over_the_limit_is_refused_in_constant_memory() -> None:
    """Even if it never ends."""
    endless = Endless(b"<testsuites>", b"<testcase><system-out>" + b"x" * 65000 + b"</system-out></testcase>")
    tracemalloc.start()
    with pytest.raises(TooLarge) as fault:
        for _ in JUnitReport(endless, gzipped=False, project="shop").read():
            pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert str(fault.value) == "The report has more than 536870912 bytes of XML."
    assert peak < 2 * 1024 * 1024


def test_what_unpacks_to_more_than_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """What counts is the size after decompression."""
    monkeypatch.setattr(bounded_xml, "MAX_SIZE", 1_000_000)
    with pytest.raises(TooLarge) as fault:
        check(gzip.compress(padded(1_000_001)), gzipped=True)
    assert str(fault.value) == "The report has more than 1000000 bytes of XML."


def test_a_report_may_be_as_large_as_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """To the byte."""
    monkeypatch.setattr(bounded_xml, "MAX_SIZE", 1_000_000)
    check(padded(1_000_000))


def test_a_gzip_bomb_is_refused_before_it_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gigabyte of blanks takes a megabyte in S3 and minutes of the function."""
    monkeypatch.setattr(bounded_xml, "RATIO_FREE_SIZE", 1_000_000)
    bomb = io.BytesIO(gzip.compress(padded(80_000_000)))
    with pytest.raises(TooLarge) as fault:
        read(bomb, gzipped=True)
    assert str(fault.value) == "The report unpacks to more than 500 times its compressed size."
    assert bomb.tell() < len(bomb.getvalue())


def test_a_small_report_may_be_as_repetitive_as_it_likes(monkeypatch: pytest.MonkeyPatch) -> None:
    """It harms nobody."""
    monkeypatch.setattr(bounded_xml, "RATIO_FREE_SIZE", 1_000_000)
    check(gzip.compress(padded(1_000_000)), gzipped=True)


@pytest.mark.parametrize(("ratio", "refused"), [(500, False), (50, True)])
def test_an_ordinary_large_report_stays_below_the_ratio(
    ratio: int, refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where one line is logged again and again: some 300."""
    monkeypatch.setattr(bounded_xml, "RATIO_FREE_SIZE", 1_000_000)
    monkeypatch.setattr(bounded_xml, "MAX_RATIO", ratio)
    line = b"2026-01-02 03:04:05 INFO cart: waiting for the shop to answer\n"
    log = gzip.compress(b"<testsuites>" + line * 50_000 + b"</testsuites>")
    with pytest.raises(TooLarge) if refused else nullcontext():
        check(log, gzipped=True)


@pytest.mark.parametrize("repeated", [b'<t a%d=""/>', b"<t%d/>"])
def test_endlessly_many_names_are_refused(repeated: bytes) -> None:
    """expat keeps every name of an element or attribute, for good."""
    content = b"<testsuites>" + b"".join(repeated % number for number in range(20_000)) + b"</testsuites>"
    with pytest.raises(TooLarge) as fault:
        check(content)
    assert str(fault.value) == "The report names its elements and attributes in more than 65536 characters."


def test_more_elements_than_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tags of four bytes cost as much time as long ones."""
    monkeypatch.setattr(bounded_xml, "MAX_ELEMENTS", 3)
    check(b"<testsuite><a/><a/></testsuite>")
    with pytest.raises(TooLarge) as fault:
        check(b"<testsuite><a/><a/><a/></testsuite>")
    assert str(fault.value) == "The report has more than 3 elements."


def test_more_members_of_gzip_than_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty ones never reach the limit of the size."""
    monkeypatch.setattr(bounded_xml, "MAX_MEMBERS", 2)
    check(gzip.compress(REPORT) + gzip.compress(b""), gzipped=True)
    with pytest.raises(TooLarge) as fault:
        check(gzip.compress(REPORT) + gzip.compress(b"") * 2, gzipped=True)
    assert str(fault.value) == "The report has more than 2 members of gzip."


@pytest.mark.parametrize(
    "beginning", [gzip.compress(REPORT)[:3] + b"\x08" + bytes(6), gzip.compress(REPORT)], ids=["file name", "padding"]
)
def test_gzip_that_is_larger_than_the_limit_is_refused(beginning: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if nothing comes out of it."""
    monkeypatch.setattr(bounded_xml, "MAX_SIZE", 1_000_000)
    rest = b"\0" if beginning.endswith(gzip.compress(REPORT)[-8:]) else b"x"
    with pytest.raises(TooLarge) as fault:
        read(Endless(beginning, rest * 65_536), gzipped=True)
    assert str(fault.value) == "The report has more than 1000000 bytes of gzip."


def test_padding_of_gzip_is_ignored() -> None:
    """Between members and behind them."""
    check(gzip.compress(REPORT[:20]) + bytes(100_000) + gzip.compress(REPORT[20:]) + bytes(100_000), gzipped=True)


@pytest.mark.parametrize("gzipped", [False, True])
def test_nothing_is_read_ahead(gzipped: bool) -> None:
    """A million cases never wait in memory for the database."""
    content = padded(1_000_000)
    stream = io.BytesIO(gzip.compress(content, compresslevel=0) if gzipped else content)
    pieces = bounded_xml.parse(stream, gzipped=gzipped, start=lambda *_: None, end=lambda _: None, text=lambda _: None)
    assert stream.tell() == 0
    next(pieces)
    assert 0 < stream.tell() < 300_000


def test_elements_come_as_soon_as_they_are_read() -> None:
    """Not only at the end."""
    seen: list[str] = []
    endless = Endless(b"<testsuites>", b"<testcase/>" * 1_000)
    pieces = bounded_xml.parse(
        endless, gzipped=False, start=lambda name, _: seen.append(name), end=lambda _: None, text=lambda _: None
    )
    next(pieces)
    assert len(seen) == 1_001
    next(pieces)
    assert len(seen) == 2_001


@given(st.binary())
def test_random_bytes_are_a_permanent_fault(content: bytes) -> None:
    """Nothing that someone uploads may look like a fault of ours, which would be retried."""
    with pytest.raises(PermanentFault):
        check(content)


@given(st.binary())
def test_random_bytes_behind_a_gzip_header_are_a_permanent_fault(rest: bytes) -> None:
    """Nothing that someone uploads may look like a fault of ours, which would be retried."""
    with pytest.raises(PermanentFault):
        check(gzip.compress(REPORT)[:10] + rest, gzipped=True)


def test_a_fault_never_quotes_the_report() -> None:
    """Its message is announced and logged."""
    with pytest.raises(NotXml) as fault:
        check(b"<testsuites><hunter2></hunter3></testsuites>")
    assert str(fault.value) == "The report is not well-formed XML: mismatched tag: line 1, column 23."
