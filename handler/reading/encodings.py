"""Whatever encoding a report is written in, and whatever it says of it: as UTF-8 that a parser of XML takes."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from handler.errors import BadEncoding
from handler.reading.legal_characters import LegalCharacters

# Bytes in which the declaration of the encoding must end, and a document type too if it is to be passed over.
_HEAD = 4096

# What is more general comes after what it would hide: UTF-32's mark begins with UTF-16's.
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_DECLARATION = re.compile(rb"""\s*<\?xml(?:[^>]*?\sencoding\s*=\s*["'](?P<name>[^"'>]*)["'])?""")
_BAD_ENCODING = "The report declares a character encoding that cannot be read."

# Python's names of what reports may declare. As browsers do (https://encoding.spec.whatwg.org/#names-and-labels), each
# is read as the largest encoding that holds it: what Windows calls Shift_JIS or Latin 1 has more characters than those.
# No other name reaches Python, which would look for a module of it.
_CODECS = {
    **dict.fromkeys(("utf-8", "utf8", "utf-8-sig", "cp65001", "ascii", "us-ascii"), "utf-8"),
    # It would have been seen, by its mark or its zeros, if it were true; .NET says so of what is UTF-8.
    **dict.fromkeys(("utf-16", "utf-16le", "utf-16be", "utf16", "utf-16-le", "utf-16-be", "ucs-2", "unicode"), "utf-8"),
    **dict.fromkeys(("iso-8859-1", "latin1"), "cp1252"),
    **{f"iso-8859-{part}": f"iso-8859-{part}" for part in (*range(2, 9), 10, *range(13, 17))},
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "latin2": "iso-8859-2",
    "latin5": "cp1254",
    "latin9": "iso-8859-15",
    **{f"{prefix}{page}": f"cp{page}" for page in range(1250, 1259) for prefix in ("windows-", "cp")},
    **{f"{prefix}{page}": f"cp{page}" for page in (437, 850, 852, 866, 874) for prefix in ("cp", "ibm", "windows-")},
    **{name: name for name in ("koi8-r", "koi8-u", "mac-roman", "euc-jp")},
    "macintosh": "mac-roman",
    **dict.fromkeys(("shift-jis", "shiftjis", "sjis", "x-sjis", "ms932", "windows-31j", "cp932"), "cp932"),
    **dict.fromkeys(("gbk", "gb2312", "gb18030", "cp936", "windows-936"), "gb18030"),
    **dict.fromkeys(("big5", "cp950", "windows-950"), "cp950"),
    **dict.fromkeys(("euc-kr", "ks-c-5601-1987", "cp949", "windows-949"), "cp949"),
}

# A document type behind nothing but blanks, comments and processing instructions, with or without the address of a
# DTD, which nobody fetches, and without declarations of its own. The groups are atomic: what they took, they keep.
_HARMLESS_DOCTYPE = re.compile(
    r"""
    (?>\s+ | <!--(?>[^-]|-(?!->))*--> | <\?(?>[^?]|\?(?!>))*\?>)*
    (?P<doctype> <!DOCTYPE \s+ [^\s<>\[\]"']+
        (?> \s+ SYSTEM \s+ (?>"[^"]*"|'[^']*') | \s+ PUBLIC \s+ (?>"[^"]*"|'[^']*') \s+ (?>"[^"]*"|'[^']*') )?
        \s* > )
    """,
    re.VERBOSE,
)


def as_utf_8(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The document in UTF-8, without blanks before it and without a harmless document type.

    U+FFFD stands for what XML forbids and for bytes that are none of the encoding: a parser would refuse the whole
    report for one of them. Raises BadEncoding.
    """
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= _HEAD:
            break
    codec = _codec_of(head)
    decoder = codecs.getincrementaldecoder(codec)(errors="replace")
    legal = LegalCharacters()
    yield legal.replaced(_without_doctype(decoder.decode(head).lstrip()))
    for chunk in chunks:
        # Most reports are such text, which need not be decoded.
        if codec == "utf-8" and chunk.isascii() and not decoder.getstate()[0] and legal.need_not_see(chunk):
            yield chunk
        else:
            yield legal.replaced(decoder.decode(chunk))
    yield legal.replaced(decoder.decode(b"", final=True), final=True)


def _codec_of(head: bytes) -> str:
    """Python's name of the encoding: what the bytes themselves show goes before what the document says."""
    for mark, codec in _BYTE_ORDER_MARKS.items():
        if head.startswith(mark):
            return codec
    if 0 in head[:2]:
        return "utf-16-be" if head[0] == 0 else "utf-16-le"
    declaration = _DECLARATION.match(head)
    if declaration is None:
        return "utf-8"
    if declaration["name"] is None:
        # One that goes on and on may still name an encoding.
        if b">" not in head:
            raise BadEncoding(_BAD_ENCODING)
        return "utf-8"
    name = declaration["name"].decode("ascii", errors="replace").lower().replace("_", "-")
    name = name.strip().replace("iso8859", "iso-8859").replace("latin-", "latin")
    if name not in _CODECS:
        raise BadEncoding(_BAD_ENCODING)
    return _CODECS[name]


def _without_doctype(text: str) -> str:
    if (harmless := _HARMLESS_DOCTYPE.match(text[:_HEAD])) is None:
        return text
    start, end = harmless.span("doctype")
    return text[:start] + text[end:]
