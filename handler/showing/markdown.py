"""Texts of strangers in Markdown, as GitHub and GitLab read it."""

from __future__ import annotations

import re

from handler.texts import one_line

_BACKTICKS = re.compile("`+")


def code(text: str, limit: int) -> str:
    """The text in one line as code, in which nothing is markup, a mention or a link; at most `limit` characters."""
    line = one_line(text, limit)
    fence = "`" * (max(map(len, _BACKTICKS.findall(line)), default=0) + 1)
    # One blank on each side is taken off again. `$` next to a fence would be mathematics.
    blank = " " if line[0] in "`$" or line[-1] in "`$" else ""
    return f"{fence}{blank}{line}{blank}{fence}"


def link(text: str, address: str) -> str:
    """`text` is Markdown; `address` is ours."""
    return f"[{text}]({address})"
