"""Texts of strangers, as the database keeps them, and as others are told them."""

from __future__ import annotations

import re
import unicodedata

# They make letters of some scripts, and emoji. Of all other controls, some turn the direction of what follows.
_JOINERS = "\u200c\u200d"


class BoundedText:
    """Collects a text piece by piece and keeps its beginning and its end: `limit` characters in all.

    Both matter: a log starts with what was run and ends with what went wrong. Where it was cut, a line says how much
    is missing, which comes on top of the limit.
    """

    def __init__(self, limit: int) -> None:
        self._half = limit // 2
        self._head = ""
        self._tail: list[str] = []
        self._tail_length = 0
        self._dropped = 0

    @property
    def length(self) -> int:
        """How many characters are kept."""
        return len(self._head) + min(self._tail_length, self._half)

    def append(self, piece: str) -> None:
        if free := self._half - len(self._head):
            self._head += piece[:free]
            piece = piece[free:]
        if piece:
            self._tail.append(piece)
            self._tail_length += len(piece)
            if self._tail_length > 2 * self._half:
                self._trim()

    def text(self) -> str:
        """What was kept; blank lines and blanks around it are the report's layout."""
        self._trim()
        tail = "".join(self._tail)
        if self._dropped:
            return f"{self._head.lstrip()}\n[... {self._dropped} characters cut ...]\n{tail.rstrip()}"
        return (self._head + tail).strip()

    def _trim(self) -> None:
        if (excess := self._tail_length - self._half) > 0:
            self._tail = ["".join(self._tail)[excess:]]
            self._tail_length = self._half
            self._dropped += excess


def cut(text: str, limit: int) -> str:
    """The text itself, or its beginning and its end if it is longer than `limit` characters."""
    if len(text) <= limit:
        return text
    bounded = BoundedText(limit)
    bounded.append(text)
    return bounded.text()


def storable(text: str) -> str:
    """The text, with U+FFFD for what neither PostgreSQL nor every reader of JSON takes: NUL and lone surrogates."""
    return re.sub("[\0\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", text)


def one_line(text: str, limit: int) -> str:
    """The text in one line of at most `limit` characters, none of which is hidden; an empty one is `…`."""
    line = " ".join("".join(map(_visible, text[: 4 * limit])).split())
    if not line or len(line) > limit or len(text) > 4 * limit:
        line = line[: limit - 1].rstrip() + "…"
    return line


def _visible(character: str) -> str:
    if character.isspace():
        return " "
    hidden = unicodedata.category(character) in {"Cc", "Cf", "Cs"} and character not in _JOINERS
    return "\N{REPLACEMENT CHARACTER}" if hidden else character
