"""XML from strangers: read as a stream, in constant memory, and refused where it goes beyond the limits."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from xml.parsers import expat

from handler.errors import BadGzip, ForbiddenDtd, NotXml, TooDeep, TooLarge
from handler.readable import Readable
from handler.reading.encodings import as_utf_8

# Bytes of XML, after decompression: more than the 300 MiB that the function promises to take.
MAX_SIZE = 512 * 1024 * 1024
# Bytes of XML to a byte of gzip: a million like cases reach 70, one line of a log again and again 300, a bomb 1,000.
MAX_RATIO = 500
# Bytes of XML for which no ratio is asked: what is this small may be as repetitive as it likes.
RATIO_FREE_SIZE = 16 * 1024 * 1024
# Bytes of one tag or comment, since expat keeps such a token in memory as a whole. Texts are not limited.
MAX_TOKEN = 4 * 1024 * 1024
# Characters of all different names of elements and attributes, since expat keeps every one that it has seen. Runners
# use some hundred.
MAX_NAMES = 64 * 1024
# Elements. A million cases have some properties and outputs each; without a limit, nothing but tags of four bytes would
# keep the function busy for longer than it may run.
MAX_ELEMENTS = 10_000_000
# Levels of elements, since expat keeps every open element in memory. Runners nest suites a few levels deep.
MAX_DEPTH = 100
# Members of a gzip file: blocks of 64 KiB, as bgzip writes them, make so many of the largest report. Empty ones take
# time and never add to its size.
MAX_MEMBERS = 10_000

_CHUNK = 64 * 1024


def parse(
    stream: Readable,
    *,
    gzipped: bool,
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None],
    text: Callable[[str], None],
    comment: Callable[[str], None] = lambda _: None,
) -> Iterator[None]:
    """Calls back for each start tag, end tag, piece of text and comment; yields whenever it has read on.

    Raises the PermanentFault that keeps the stream from being XML within the limits.
    """
    try:
        yield from _parse(_Gunzip(stream) if gzipped else stream, _bounded_parser(start, end, text, comment))
    except (zlib.error, EOFError):
        raise BadGzip("The report is not a complete gzip file.") from None


def _bounded_parser(
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None],
    text: Callable[[str], None],
    comment: Callable[[str], None],
) -> expat.XMLParserType:
    depth = elements = 0

    def start_element(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, elements
        depth += 1
        elements += 1
        if elements > MAX_ELEMENTS:
            raise TooLarge(f"The report has more than {MAX_ELEMENTS} elements.")
        if depth > MAX_DEPTH:
            raise TooDeep(f"The report nests its elements more than {MAX_DEPTH} levels deep.")
        start(name, attributes)

    def end_element(name: str) -> None:
        nonlocal depth
        depth -= 1
        end(name)

    def refuse_dtd(*_: object) -> None:
        raise ForbiddenDtd("The report has a document type declaration with declarations of its own.")

    # Whatever the document declares.
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = refuse_dtd
    parser.StartElementHandler = start_element
    parser.EndElementHandler = end_element
    parser.CharacterDataHandler = text
    parser.CommentHandler = comment
    return parser


def _parse(stream: Readable, parser: expat.XMLParserType) -> Iterator[None]:
    size = 0
    try:
        for chunk in as_utf_8(_chunks(stream)):
            size += len(chunk)
            if size > MAX_SIZE:
                raise TooLarge(f"The report has more than {MAX_SIZE} bytes of XML.")
            parser.Parse(chunk)
            if size - parser.CurrentByteIndex > MAX_TOKEN:
                raise TooLarge(f"A tag or comment of the report has more than {MAX_TOKEN} bytes.")
            if sum(map(len, parser.intern)) > MAX_NAMES:
                raise TooLarge(f"The report names its elements and attributes in more than {MAX_NAMES} characters.")
            yield
        parser.Parse(b"", True)  # noqa: FBT003 - takes no keywords
        yield
    except expat.ExpatError as error:
        raise NotXml(f"The report is not well-formed XML: {error}.") from None


def _chunks(stream: Readable) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK):
        yield chunk


class _Gunzip:
    """Decompresses a stream, and stops at a bomb before the size alone would.

    Not by `gzip`, which takes a header's file name and the zeros behind a member byte by byte, however many there are.
    """

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._compressed = b""
        self._compressed_size = 0
        self._size = 0
        self._members = 0
        self._start_member()

    def read(self, size: int, /) -> bytes:
        chunk = b""
        while not chunk and self._has_more():
            if self._member.eof:
                self._start_member()
            chunk = self._member.decompress(self._compressed, size)
            self._compressed = self._member.unused_data or self._member.unconsumed_tail
        self._size += len(chunk)
        unpacked = self._compressed_size - len(self._compressed)
        if self._size > max(RATIO_FREE_SIZE, MAX_RATIO * unpacked):
            raise TooLarge(f"The report unpacks to more than {MAX_RATIO} times its compressed size.")
        return chunk

    def _has_more(self) -> bool:
        """Whether there is compressed data. Raises EOFError where a member breaks off."""
        while True:
            if self._member.eof:
                # Tapes were padded so, and `gzip` ignores it as well.
                self._compressed = self._compressed.lstrip(b"\0")
            if self._compressed:
                return True
            self._compressed = self._stream.read(_CHUNK)
            self._compressed_size += len(self._compressed)
            if self._compressed_size > MAX_SIZE:
                raise TooLarge(f"The report has more than {MAX_SIZE} bytes of gzip.")
            if not self._compressed:
                if not self._member.eof:
                    raise EOFError
                return False

    def _start_member(self) -> None:
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise TooLarge(f"The report has more than {MAX_MEMBERS} members of gzip.")
        self._member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
