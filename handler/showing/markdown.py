"""Texts of strangers in Markdown, as GitHub and GitLab read it."""

from __future__ import annotations

import re
import unicodedata

_BACKTICKS = re.compile("`+")
# Joiners make letters of some scripts, and emoji. Of all other controls, some turn the direction of what follows.
_JOINERS = "\u200c\u200d"


def code(text: str, limit: int) -> str:
    """The text in one line as code, in which nothing is markup, a mention or a link; at most `limit` characters."""
    line = " ".join("".join(map(_visible, text[: 4 * limit])).split())
    if not line or len(line) > limit or len(text) > 4 * limit:
        line = line[: limit - 1].rstrip() + "…"
    fence = "`" * (max(map(len, _BACKTICKS.findall(line)), default=0) + 1)
    # One blank on each side is taken off again. `$` next to a fence would be mathematics.
    blank = " " if line[0] in "`$" or line[-1] in "`$" else ""
    return f"{fence}{blank}{line}{blank}{fence}"


def link(text: str, address: str) -> str:
    """`text` is Markdown; `address` is ours."""
    return f"[{text}]({address})"


def _visible(character: str) -> str:
    if character.isspace():
        return " "
    hidden = unicodedata.category(character) in {"Cc", "Cf", "Cs"} and character not in _JOINERS
    return "\N{REPLACEMENT CHARACTER}" if hidden else character
