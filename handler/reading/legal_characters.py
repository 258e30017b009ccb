"""Characters that XML forbids and test runners write all the same, in names and messages that hold binary data."""

from __future__ import annotations

import re

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

# https://www.w3.org/TR/xml/#charsets; lone surrogates are no Unicode in the first place.
_CONTROLS = bytes(set(range(0x20)) - set(b"\t\n\r"))
_LEGAL = (range(0x9, 0xB), range(0xD, 0xE), range(0x20, 0xD800), range(0xE000, 0xFFFE), range(0x10000, 0x110000))
_FORBIDDEN = re.compile(f"[{re.escape(_CONTROLS.decode())}\ufffe\uffff]")

_CDATA, _END_OF_CDATA = "<![CDATA[", "]]>"
_MARKS = re.compile(rf"{re.escape(_CDATA)}|{_END_OF_CDATA}|&#(?:x(?P<hex>[0-9A-Fa-f]+)|(?P<decimal>[0-9]+));")
# What may go on as one of them in the next piece.
_BEGINNING = re.compile(r"(?:<(?:!(?:\[(?:C(?:D(?:A(?:TA?)?)?)?)?)?)?|\]{1,2}|&(?:#(?:x?[0-9A-Fa-f]{0,9}))?)\Z")
_LONGEST_BEGINNING = 12  # characters
_MAX_DIGITS = 8


class LegalCharacters:
    """Replaces forbidden characters and references to them by U+FFFD, in one piece of a document after the other.

    A parser would refuse the whole report for one of them. In a CDATA section, what looks like a reference is none.
    """

    def __init__(self) -> None:
        self._in_cdata = False
        self._held_back = ""

    def need_not_see(self, piece: bytes) -> bool:
        """Whether this piece of ASCII is legal, and says nothing about the next."""
        if self._held_back or any(mark in piece for mark in (b"&#", _CDATA.encode(), _END_OF_CDATA.encode())):
            return False
        return not _BEGINNING.search(piece[-_LONGEST_BEGINNING:].decode()) and not _has_controls(piece)

    def replaced(self, piece: str, *, final: bool = False) -> bytes:
        """The piece as UTF-8; of its end, what may be the beginning of a reference comes with the next one."""
        text = self._held_back + piece
        self._held_back = ""
        if not final and (beginning := _BEGINNING.search(text, max(0, len(text) - _LONGEST_BEGINNING))):
            text, self._held_back = text[: beginning.start()], beginning[0]
        if "&#" in text or _CDATA in text or _END_OF_CDATA in text:
            text = _MARKS.sub(self._replace_reference, text)
        encoded = text.encode()
        # Looked for before it is replaced, since that takes longer than parsing, and hardly any report needs it.
        if _has_controls(encoded) or "\ufffe" in text or "\uffff" in text:
            return _FORBIDDEN.sub(_REPLACEMENT, text).encode()
        return encoded

    def _replace_reference(self, mark: re.Match[str]) -> str:
        if mark[0] in {_CDATA, _END_OF_CDATA}:
            self._in_cdata = mark[0] == _CDATA
            return mark[0]
        digits = mark["hex"] or mark["decimal"]
        character = int(digits, 16 if mark["hex"] else 10) if len(digits) <= _MAX_DIGITS else -1
        legal = any(character in characters for characters in _LEGAL)
        return mark[0] if legal or self._in_cdata else _REPLACEMENT


def _has_controls(piece: bytes) -> bool:
    return len(piece.translate(None, _CONTROLS)) < len(piece)
