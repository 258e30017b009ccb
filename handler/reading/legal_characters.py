"""Characters that XML forbids and test runners write all the same, in names and messages that hold binary data."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

# https://www.w3.org/TR/xml/#charsets; lone surrogates are no UTF-8 in the first place.
_CONTROLS = bytes(set(range(0x20)) - set(b"\t\n\r"))
_FORBIDDEN = re.compile(f"[{re.escape(_CONTROLS.decode())}\ufffe\uffff]")

_ENCODING = re.compile(rb"""(?:\xef\xbb\xbf)?<\?xml[^>]*?\sencoding\s*=\s*["']([^"']*)["']""")
# Bytes in which the declaration of the encoding must end.
_HEAD = 1024


def replace_forbidden(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The document, with U+FFFD for what XML forbids and for what is no UTF-8.

    A parser would refuse the whole report for one such byte. A document in another encoding than UTF-8 comes through
    as it is.
    """
    head = b""
    for chunk in chunks:
        head += chunk
        if b">" in head or len(head) >= _HEAD:
            break
    if not _is_utf_8(head):
        yield head
        yield from chunks
        return
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    yield _replaced(head, decoder.decode(head))
    for chunk in chunks:
        yield _replaced(chunk, decoder.decode(chunk))
    yield decoder.decode(b"", final=True).encode()


def _is_utf_8(head: bytes) -> bool:
    # UTF-16 has a byte order mark, or zeros in its first character.
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in head[:2]:
        return False
    declared = _ENCODING.match(head)
    return declared is None or declared[1].lower() in {b"utf-8", b"utf8"}


def _replaced(chunk: bytes, text: str) -> bytes:
    # Looked for before it is replaced, since that takes longer than parsing, and hardly any report needs it.
    if len(chunk.translate(None, _CONTROLS)) < len(chunk) or "\ufffe" in text or "\uffff" in text:
        text = _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
    return text.encode()
