"""JUnit XML reports, read as a stream in constant memory."""

from __future__ import annotations

import gzip
import zlib
from typing import IO, Protocol, cast
from xml.parsers import expat

from handler.errors import BadEncoding, BadGzip, ForbiddenDtd, NotJUnit, NotXml, TooDeep, TooLarge

# Bytes of XML, after decompression: more than the 300 MiB that the function promises to take.
MAX_REPORT = 512 * 1024 * 1024
# Bytes of one tag or comment, since expat keeps such a token in memory as a whole. Texts are not limited.
MAX_TOKEN = 4 * 1024 * 1024
# Levels of elements, since expat keeps every open element in memory. Runners nest suites a few levels deep.
MAX_DEPTH = 100

_CHUNK = 64 * 1024
_ROOTS = {"testsuites", "testsuite"}


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, none at the end."""


def check_report(stream: Readable, *, gzipped: bool) -> None:
    """Raises the PermanentFault that keeps the stream from being a JUnit report within the limits."""
    try:
        # GzipFile needs no more of its file than `read`.
        _check_xml(gzip.GzipFile(fileobj=cast("IO[bytes]", stream)) if gzipped else stream)
    except (gzip.BadGzipFile, zlib.error, EOFError):
        raise BadGzip("The report is not a complete gzip file.") from None


def _check_xml(stream: Readable) -> None:
    parser = expat.ParserCreate()
    _Structure(parser)
    size = 0
    try:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            if size > MAX_REPORT:
                raise TooLarge(f"The report has more than {MAX_REPORT} bytes of XML.")
            parser.Parse(chunk)
            if size - parser.CurrentByteIndex > MAX_TOKEN:
                raise TooLarge(f"A tag or comment of the report has more than {MAX_TOKEN} bytes.")
        parser.Parse(b"", True)  # noqa: FBT003 - takes no keywords
    except expat.ExpatError as error:
        raise NotXml(f"The report is not well-formed XML: {error}.") from None
    except (LookupError, ValueError):
        # From Python's codecs, which expat asks for the encodings that it does not know itself.
        raise BadEncoding("The report declares a character encoding that cannot be read.") from None


class _Structure:
    """Watches a parser for what well-formed XML may have and a report may not."""

    def __init__(self, parser: expat.XMLParserType) -> None:
        self._depth = 0
        parser.StartDoctypeDeclHandler = self._refuse_dtd
        parser.StartElementHandler = self._start_element
        parser.EndElementHandler = self._end_element

    def _refuse_dtd(self, *_: object) -> None:
        raise ForbiddenDtd("The report has a document type declaration.")

    def _start_element(self, name: str, _: object) -> None:
        if self._depth == 0 and name not in _ROOTS:
            raise NotJUnit("The root element of the report is neither testsuites nor testsuite.")
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise TooDeep(f"The report nests its elements more than {MAX_DEPTH} levels deep.")

    def _end_element(self, _: str) -> None:
        self._depth -= 1
