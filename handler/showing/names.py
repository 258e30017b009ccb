"""Tests by their names, as people look for them."""

from __future__ import annotations

from typing import LiteralString

from handler.showing.inputs import BadInput

_MAX_WORDS = 20

# Of a row of history.test, with the patterns as a parameter: they are put in lower case once, not for each test.
MATCHES: LiteralString = """
    test.search_text like all (
        array(select lower(pattern collate pg_c_utf8) from unnest(%(patterns)s::text[]) as pattern)
    )
"""


def patterns(text: str) -> list[str]:
    """One for each word of what is looked for: all must stand in the names of a test, in whatever order.

    Raises BadInput.
    """
    words = dict.fromkeys(text.split())
    if len(words) > _MAX_WORDS:
        raise BadInput(f"There are {len(words)} words to look for: give at most {_MAX_WORDS}.")
    return [f"%{_literal(word)}%" for word in words]


def _literal(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
